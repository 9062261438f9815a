//! The protocols `local` and `file`: the volume is on this host already, under a path.

use std::{
    fs::{File, OpenOptions},
    io::{Seek, SeekFrom},
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    apart::apart,
    connectors::{Attached, Detached, is_read_only},
    error::{Doing, Error},
};
use crate::{
    driver::{ConnectionInfo, OpCtx},
    units::ByteCount,
};

/// Opening and measuring takes microseconds, unless what is below hangs.
const LOOK: Duration = Duration::from_secs(15);
/// What is not on its disk by then will not get there.
const FLUSH: Duration = Duration::from_secs(120);

/// The `device_path`, as os-brick's `local` connector knows it.
fn told(info: &ConnectionInfo) -> Result<PathBuf, Error> {
    let path = info.data.get("device_path").and_then(|path| path.as_str());
    let path = PathBuf::from(path.ok_or_else(|| Error::told("device_path", "is missing"))?);
    if path.is_absolute() { Ok(path) } else { Err(Error::told("device_path", "is not absolute")) }
}

pub(super) async fn attach(ctx: &OpCtx, info: &ConnectionInfo) -> Result<Attached, Error> {
    let path = told(info)?;
    let shown = path.clone();
    let size = apart(ctx, LOOK, "open", &shown, move || size(&path)).await?;
    Ok(Attached { path: shown, size, read_only: is_read_only(info) })
}

/// Only the flush is ours: whoever exports the path takes it away.
pub(super) async fn detach(ctx: &OpCtx, info: &ConnectionInfo, force: bool) -> Result<Detached, Error> {
    let path = told(info)?;
    let (shown, writable) = (path.clone(), !is_read_only(info));
    let flushed = apart(ctx, FLUSH, "flush", &shown, move || {
        match open_unused(&path) {
            // The export went before us, which is as good as detached.
            Err(Error::Absent { .. }) => Ok(()),
            Ok(file) if writable => file.sync_all().doing("flush", &path),
            ended => ended.map(drop),
        }
    });
    match flushed.await {
        Ok(()) => Ok(Detached::default()),
        Err(error) if force => Ok(Detached { unflushed: Some(error) }),
        Err(error @ Error::InUse { .. }) => Err(error),
        Err(error) => Err(Error::Unflushed { path: shown, source: Box::new(error) }),
    }
}

/// The size of a block device or file, as reading it would find.
pub(super) fn size(path: &Path) -> Result<ByteCount, Error> {
    let mut file = open(path, &OpenOptions::new().read(true).to_owned())?;
    let size = ByteCount::new(file.seek(SeekFrom::End(0)).doing("measure", path)?);
    size.map_err(|_| Error::NotAVolume { path: path.to_owned() })
}

/// Opens it, a block device only if nobody else holds it exclusively: a mounted file system does, and what
/// device-mapper, LVM or RAID built on it.
pub(super) fn open_unused(path: &Path) -> Result<File, Error> {
    use std::os::unix::fs::OpenOptionsExt;
    let file = open(path, &OpenOptions::new().read(true).to_owned())?;
    if !file.metadata().doing("look at", path)?.file_type().is_block_device() {
        return Ok(file);
    }
    let exclusive = i32::try_from(rustix::fs::OFlags::EXCL.bits()).unwrap_or_default();
    OpenOptions::new().read(true).custom_flags(exclusive).open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::ResourceBusy => Error::InUse { path: path.to_owned(), by: by(path) },
        _ => Error::Io { doing: "open", path: path.to_owned(), source: error },
    })
}

fn open(path: &Path, how: &OpenOptions) -> Result<File, Error> {
    let kind = match std::fs::metadata(path) {
        Ok(found) => found.file_type(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::Absent { path: path.to_owned() });
        }
        Err(error) => return Err(error).doing("look at", path),
    };
    // A pipe would be waited for at opening.
    if !kind.is_file() && !kind.is_block_device() {
        return Err(Error::NotAVolume { path: path.to_owned() });
    }
    how.open(path).doing("open", path)
}

/// Where it is mounted, and what is built on it.
fn by(path: &Path) -> String {
    let Ok(device) = path.canonicalize() else { return String::new() };
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mounted = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ');
        (words.next() == device.to_str()).then(|| words.next().map(|point| format!("mounted on {point}"))).flatten()
    });
    let holders = device.file_name().map(|name| Path::new("/sys/class/block").join(name).join("holders"));
    let holders = holders.and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let built = holders.map(|holder| format!("under {}", holder.file_name().to_string_lossy()));
    let uses = mounted.chain(built).take(8).collect::<Vec<_>>().join(", ");
    if uses.is_empty() { uses } else { format!(" ({uses})") }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, time::Duration};

    use serde_json::json;
    use tokio_util::sync::CancellationToken;

    use crate::{
        connector::{Connectors, Error},
        driver::{ConnectionInfo, Kind, OpCtx},
        ids::OpId,
    };

    fn ctx() -> OpCtx {
        OpCtx::new(OpId::new(), Duration::from_secs(60), CancellationToken::new())
    }

    fn info(protocol: &str, path: impl AsRef<Path>, mode: &str) -> ConnectionInfo {
        let data = json!({ "device_path": path.as_ref(), "access_mode": mode });
        let data = data.as_object().expect("an object").clone();
        ConnectionInfo { driver_volume_type: protocol.to_owned(), data }
    }

    #[tokio::test]
    async fn a_file_is_attached_as_often_as_one_likes() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("volume");
        std::fs::write(&file, [7; 4096]).expect("written");
        let connectors = Connectors::default();
        for protocol in ["local", "file"] {
            let info = info(protocol, &file, "ro");
            let first = connectors.attach(&ctx(), &info).await.expect("attached");
            assert_eq!((u64::from(first.size), first.read_only, &first.path), (4096, true, &file));
            assert_eq!(connectors.attach(&ctx(), &info).await.expect("attached"), first);
            std::fs::write(&file, [7; 8192]).expect("it grows");
            assert_eq!(u64::from(connectors.rescan(&ctx(), &info).await.expect("looked")), 8192);
            std::fs::write(&file, [7; 4096]).expect("as it was");
            for _ in 0..2 {
                assert!(connectors.detach(&ctx(), &info).await.expect("detached").unflushed.is_none());
            }
        }
        std::fs::remove_file(&file).expect("removed");
        let gone = info("local", &file, "rw");
        assert!(matches!(connectors.attach(&ctx(), &gone).await, Err(Error::Absent { .. })));
        assert!(connectors.detach(&ctx(), &gone).await.expect("nothing to do").unflushed.is_none());
    }

    #[tokio::test]
    async fn what_is_no_volume_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).expect("made");
        let connectors = Connectors::default();
        for (info, kind) in [
            (info("local", &pipe, "rw"), Kind::Invalid),
            (info("local", folder.path(), "rw"), Kind::Invalid),
            (info("local", "relative", "rw"), Kind::Invalid),
            (info("rbd", &pipe, "rw"), Kind::Unsupported),
        ] {
            let error = connectors.attach(&ctx(), &info).await.expect_err("refused");
            assert_eq!(error.kind(), kind, "{error}");
        }
        let error = connectors.attach(&ctx(), &info("nvmeof", &pipe, "rw")).await.expect_err("refused");
        assert_eq!(error.to_string(), "this host cannot attach by \"nvmeof\": it knows local, file, iscsi");
    }
}
