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
