//! What this host has attached, so that it can be detached by whoever comes next.
//!
//! One file a volume, readable by its owner alone since it may hold a secret; written as a whole, and before what it
//! speaks of is done.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::Write,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use ashlar_common::{
    driver::{ConnectionInfo, OpCtx},
    ids::VolumeId,
};
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use serde::{Deserialize, Serialize};

const VERSION: u32 = 1;
const STEP: Duration = Duration::from_millis(50);

/// One volume of this host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    version: u32,
    pub(super) volume_id: VolumeId,
    pub(super) volume_name: String,
    /// Where the service is that knows the attachment.
    pub(super) endpoint: String,
    pub(super) project: String,
    pub(super) read_only: bool,
    /// The mark that the attachment has at the service, chosen before it is asked for.
    pub(super) claim: String,
    /// The attachment, from when the service has answered.
    pub(super) attachment_id: Option<String>,
    /// How the volume is reached, from when the service has answered.
    pub(super) connection: Option<ConnectionInfo>,
    /// The device, from when it was there.
    pub(super) path: Option<PathBuf>,
}

impl Record {
    /// Of a volume that is about to be asked for.
    pub(super) fn new(
        volume_id: VolumeId,
        volume_name: String,
        (endpoint, project): (String, String),
        read_only: bool,
    ) -> Self {
        let claim = uuid::Uuid::new_v4().to_string();
        Self {
            version: VERSION,
            volume_id,
            volume_name,
            endpoint,
            project,
            read_only,
            claim,
            attachment_id: None,
            connection: None,
            path: None,
        }
    }
}

/// The folder of records.
pub(super) struct State {
    folder: PathBuf,
}

/// The right to change one volume's record. Held until dropped, or until the process ends.
pub(super) struct Turn<'a> {
    state: &'a State,
    volume: VolumeId,
    _lock: File,
}

impl State {
    pub(super) fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// All records, in the order of their ids.
    pub(super) fn list(&self) -> Result<Vec<Record>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(|| format!("cannot list {:?}", self.folder)),
        };
        let mut records = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".json")).and_then(|id| id.parse().ok());
            if let Some(id) = id {
                records.extend(self.read(id)?);
            }
        }
        records.sort_by_key(|record: &Record| record.volume_id);
        Ok(records)
    }

    /// Waits for its turn with a volume.
    pub(super) fn turn(&self, ctx: &OpCtx, volume: VolumeId) -> Result<Turn<'_>> {
        let why = || format!("cannot remember attachments in {:?}: be root, or give another --state", self.folder);
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder).with_context(why)?;
        let path = self.folder.join(format!("{volume}.lock"));
        loop {
            let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
            let file = file.with_context(why)?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                // Whoever had it before may have removed the file: then it locks nobody out.
                Ok(()) if is_at(&file, &path) => return Ok(Turn { state: self, volume, _lock: file }),
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => {
                    ctx.check().context("another `ashlar attach` or `detach` is at work on this volume")?;
                    std::thread::sleep(STEP);
                }
                Err(errno) => return Err(errno).with_context(|| format!("cannot lock {path:?}")),
            }
        }
    }

    /// Removes what processes left that died before they remembered anything; what another is at work on stays. `now` is a
    /// context whose time is over: nobody is waited for.
    pub(super) fn sweep(&self, now: &OpCtx) -> Result<()> {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".lock").or_else(|| name.strip_suffix(".new")));
            let Some(volume) = id.and_then(|id| id.parse().ok()) else { continue };
            if let Ok(turn) = self.turn(now, volume)
                && turn.read()?.is_none()
            {
                turn.remove()?;
            }
        }
        Ok(())
    }

    fn file(&self, volume: VolumeId) -> PathBuf {
        self.folder.join(format!("{volume}.json"))
    }

    fn read(&self, volume: VolumeId) -> Result<Option<Record>> {
        let path = self.file(volume);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {path:?}")),
        };
        let record: Record = serde_json::from_slice(&text)
            .with_context(|| format!("{path:?} is not what `ashlar attach` writes, or of a newer version"))?;
        if record.version != VERSION || record.volume_id != volume {
            bail!("{path:?} is of version {} and volume {}: it was made otherwise", record.version, record.volume_id);
        }
        Ok(Some(record))
    }
}

impl Turn<'_> {
    pub(super) fn read(&self) -> Result<Option<Record>> {
        self.state.read(self.volume)
    }

    /// Durable when it returns.
    pub(super) fn write(&self, record: &Record) -> Result<()> {
        let (path, staged) = (self.state.file(self.volume), self.state.folder.join(format!("{}.new", self.volume)));
        let write = || -> std::io::Result<()> {
            match fs::remove_file(&staged) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&staged)?;
            file.write_all(&serde_json::to_vec_pretty(record)?)?;
            file.sync_all()?;
            fs::rename(&staged, &path)?;
            File::open(&self.state.folder)?.sync_all()
        };
        write().with_context(|| format!("cannot write {path:?}"))
    }

    /// Forgets the volume.
    pub(super) fn remove(&self) -> Result<()> {
        for name in ["new", "json", "lock"] {
            let path = self.state.folder.join(format!("{}.{name}", self.volume));
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("cannot remove {path:?}"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let id = |found: fs::Metadata| (found.dev(), found.ino());
    matches!((file.metadata().map(id), fs::metadata(path).map(id)), (Ok(held), Ok(there)) if held == there)
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt, time::Duration};

    use ashlar_common::{
        driver::{ConnectionInfo, OpCtx},
        ids::{OpId, VolumeId},
    };
    use serde_json::json;
    use tokio_util::sync::CancellationToken;

    use super::{Record, State};

    fn ctx(limit: Duration) -> OpCtx {
        OpCtx::new(OpId::new(), limit, CancellationToken::new())
    }

    fn record(volume: VolumeId) -> Record {
        let data = json!({ "auth_password": "secret" }).as_object().expect("an object").clone();
        let place = ("http://a/v3".to_owned(), "demo".to_owned());
        let mut record = Record::new(volume, "name".to_owned(), place, false);
        record.connection = Some(ConnectionInfo { driver_volume_type: "iscsi".to_owned(), data });
        record
    }

    #[test]
    fn what_is_remembered_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = State::at(folder.path().join("deep/attached"));
        assert_eq!(state.list().expect("none"), []);
        let volume = VolumeId::new();
        let turn = state.turn(&ctx(Duration::from_secs(60)), volume).expect("a turn");
        assert_eq!(turn.read().expect("looked"), None);
        // One that a crash left.
        std::fs::write(state.folder.join(format!("{volume}.new")), "half").expect("written");
        turn.write(&record(volume)).expect("written");
        assert_eq!(turn.read().expect("looked").map(|record| record.volume_id), Some(volume));
        assert_eq!(state.list().expect("one").len(), 1);
        let mode = |path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(state.file(volume)), mode(state.folder.clone())), (0o600, 0o700));
        assert!(!format!("{:?}", record(volume)).contains("secret"));
        turn.remove().expect("removed");
        assert_eq!(std::fs::read_dir(&state.folder).expect("there").count(), 0);
    }

    #[test]
    fn one_at_a_time_is_at_work_on_a_volume() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = State::at(folder.path().to_owned());
        let volume = VolumeId::new();
        let turn = state.turn(&ctx(Duration::from_secs(60)), volume).expect("a turn");
        assert!(state.turn(&ctx(Duration::ZERO), volume).is_err());
        assert!(state.turn(&ctx(Duration::ZERO), VolumeId::new()).is_ok());
        turn.remove().expect("removed");
        drop(turn);
        assert!(state.turn(&ctx(Duration::from_secs(60)), volume).is_ok());
    }

    #[test]
    fn what_a_process_left_that_remembered_nothing_is_swept() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = State::at(folder.path().to_owned());
        let [died, at_work, attached] = [VolumeId::new(), VolumeId::new(), VolumeId::new()];
        for name in ["new", "lock"] {
            std::fs::write(state.folder.join(format!("{died}.{name}")), "half").expect("written");
        }
        let _at_work = state.turn(&ctx(Duration::from_secs(60)), at_work).expect("a turn");
        let turn = state.turn(&ctx(Duration::from_secs(60)), attached).expect("a turn");
        turn.write(&record(attached)).expect("written");
        drop(turn);
        state.sweep(&ctx(Duration::ZERO)).expect("swept");
        let name = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
        let mut left: Vec<String> = std::fs::read_dir(&state.folder).expect("there").flatten().map(name).collect();
        left.sort();
        let mut expected = vec![format!("{at_work}.lock"), format!("{attached}.json"), format!("{attached}.lock")];
        expected.sort();
        assert_eq!(left, expected);
    }

    #[test]
    fn a_record_of_another_make_is_not_guessed_at() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = State::at(folder.path().to_owned());
        let volume = VolumeId::new();
        let mut newer = serde_json::to_value(record(volume)).expect("JSON");
        newer["version"] = json!(2);
        std::fs::write(state.file(volume), newer.to_string()).expect("written");
        assert!(state.list().expect_err("refused").to_string().contains("version 2"));
    }
}
