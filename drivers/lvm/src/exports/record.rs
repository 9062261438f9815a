//! What is written down of attachments: they outlive the host, and secrets cannot be drawn twice.

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use ashlar_common::{
    driver::{AccessMode, AttachmentSpec},
    ids::{AttachmentId, VolumeId},
};
use serde::{Deserialize, Serialize};

use super::way::Way;
use crate::error::Error;

/// The version written.
const VERSION: u32 = 1;
/// Far above what a record takes; more is not a record.
const MAX_BYTES: u64 = 65_536;
/// Bytes of what a client may call itself.
const MAX_HOST: usize = 1024;
/// What the name of a record that is being written starts with.
const NEW: &str = ".new-";

/// An attachment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    version: u32,
    /// Which attachment.
    pub(super) attachment: AttachmentId,
    /// Of which volume.
    pub(super) volume: VolumeId,
    /// What the client may do.
    pub(super) mode: AccessMode,
    /// The client's name in the protocol.
    pub(super) client: Option<String>,
    /// The client's host, as it calls itself.
    pub(super) host: Option<String>,
    /// How it is reached.
    pub(super) way: Way,
}

impl Record {
    pub(super) fn new(
        volume: VolumeId,
        spec: &AttachmentSpec,
        (way, client): (Way, Option<String>),
    ) -> Result<Self, Error> {
        let host = spec.connector.host().map(ToOwned::to_owned);
        if host.as_ref().is_some_and(|host| host.len() > MAX_HOST) {
            return Err(Error::Invalid(format!("the connector's `host` has more than {MAX_HOST} bytes")));
        }
        Ok(Self { version: VERSION, attachment: spec.id, volume, mode: spec.mode, client, host, way })
    }

    /// An error if this is not what is asked for now. The way may differ: what is there stays as it was made.
    pub(super) fn check_same(&self, asked: &Self) -> Result<(), Error> {
        let differs = |what: &str, has: String, asked: String| {
            let name = format!("attachment {}", self.attachment);
            Err(Error::Differs { name, has: format!("{what} {has}"), asked })
        };
        let text = |text: &Option<String>| format!("{:?}", text.as_deref().unwrap_or_default());
        if self.volume != asked.volume {
            return differs("volume", self.volume.to_string(), asked.volume.to_string());
        }
        if self.mode != asked.mode {
            return differs("mode", format!("{:?}", self.mode), format!("{:?}", asked.mode));
        }
        // A client that has none now was asked for by a protocol that is not configured any more.
        if self.client.is_some() && asked.client.is_some() && self.client != asked.client {
            return differs("client", text(&self.client), text(&asked.client));
        }
        if self.host != asked.host {
            return differs("host", text(&self.host), text(&asked.host));
        }
        Ok(())
    }
}

/// The directory of records, one file each, for nobody's eyes but the host's.
#[derive(Clone, Debug)]
pub(super) struct Records(PathBuf);

impl Records {
    pub(super) fn at(path: PathBuf) -> Result<Self, Error> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.map_err(|error| Error::io(format!("make the directory {}", path.display()), error))?;
        Ok(Self(path))
    }

    /// All of them. What is there besides is an error, never left out: an export without its record could not be
    /// taken down.
    pub(super) fn read(&self) -> Result<BTreeMap<AttachmentId, Record>, Error> {
        let mut records = BTreeMap::new();
        for path in self.paths()? {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with(NEW) {
                continue;
            }
            let id = name.strip_suffix(".json").and_then(|id| id.parse().ok());
            let record = read(&path)?;
            if id != Some(record.attachment) || record.version != VERSION {
                return Err(damaged(&path, "it is not the record that its name says"));
            }
            records.insert(record.attachment, record);
        }
        Ok(records)
    }

    /// Durably, whole or not at all.
    pub(super) fn write(&self, record: &Record) -> Result<(), Error> {
        let path = self.path(record.attachment);
        let new = self.0.join(format!("{NEW}{}", record.attachment));
        let failed = |error| Error::io(format!("write {}", path.display()), error);
        let mut text = serde_json::to_vec(record).map_err(|error| failed(error.into()))?;
        text.push(b'\n');
        remove(&new).map_err(failed)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new).map_err(failed)?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(failed)?;
        fs::rename(&new, &path).and_then(|()| self.sync()).map_err(failed)
    }

    /// Durably.
    pub(super) fn remove(&self, attachment: AttachmentId) -> Result<(), Error> {
        let path = self.path(attachment);
        let removed = remove(&path).and_then(|()| self.sync());
        removed.map_err(|error| Error::io(format!("remove {}", path.display()), error))
    }

    /// Removes what a crash left of records that were being written.
    pub(super) fn sweep(&self) -> Result<(), Error> {
        for path in self.paths()? {
            if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(NEW.as_bytes())) {
                remove(&path).map_err(|error| Error::io(format!("remove {}", path.display()), error))?;
            }
        }
        Ok(())
    }

    fn paths(&self) -> Result<Vec<PathBuf>, Error> {
        let entries = fs::read_dir(&self.0)
            .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>());
        entries.map_err(|error| Error::io(format!("list {}", self.0.display()), error))
    }

    fn path(&self, attachment: AttachmentId) -> PathBuf {
        self.0.join(format!("{attachment}.json"))
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }
}

fn read(path: &Path) -> Result<Record, Error> {
    let failed = |error| Error::io(format!("read {}", path.display()), error);
    let mut text = Vec::new();
    File::open(path).map_err(failed)?.take(MAX_BYTES).read_to_end(&mut text).map_err(failed)?;
    // Without the parser's own words, which may quote a secret.
    serde_json::from_slice(&text).map_err(|error| {
        damaged(path, &format!("it is no record of an attachment (line {}, column {})", error.line(), error.column()))
    })
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn damaged(path: &Path, why: &str) -> Error {
    Error::Damaged(format!("{}: {why}; end the attachment by hand, then move the file away", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use ashlar_common::{
        driver::{AccessMode, AttachmentSpec, Connector},
        ids::{AttachmentId, VolumeId},
    };
    use ashlar_targets::Credentials;

    use super::{Record, Records, Way};

    fn record() -> Record {
        let spec =
            AttachmentSpec { id: AttachmentId::new(), connector: Connector::default(), mode: AccessMode::ReadWrite };
        let credentials = Some(Credentials::draw_chap().expect("random"));
        let portals = vec!["[::1]:3260".parse().expect("an address")];
        let way = Way::Iscsi { prefix: "iqn.2026-11.org.ashlar".to_owned(), portals, credentials };
        Record::new(VolumeId::new(), &spec, (way, Some("iqn.2026-11.org.example:a".to_owned()))).expect("a record")
    }

    #[test]
    fn what_is_written_is_read_and_nobody_else_may() {
        let directory = tempfile::tempdir().expect("a directory");
        let records = Records::at(directory.path().join("a/b")).expect("made");
        let record = record();
        records.write(&record).expect("written");
        assert_eq!(records.read().expect("read").remove(&record.attachment), Some(record.clone()));
        let mode = |path: std::path::PathBuf| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(records.0.clone()), mode(records.path(record.attachment))), (0o700, 0o600));
        records.remove(record.attachment).expect("removed");
        records.remove(record.attachment).expect("removed again");
        assert!(records.read().expect("read").is_empty());
    }

    #[test]
    fn a_torn_or_foreign_file_is_an_error_with_its_path_and_without_secrets() {
        let directory = tempfile::tempdir().expect("a directory");
        let records = Records::at(directory.path().to_owned()).expect("made");
        let record = record();
        let text = serde_json::to_string(&record).expect("JSON");
        let secret = record.way.credentials().expect("a secret").secret.reveal().to_owned();
        let other = AttachmentId::new();
        for (name, text) in [
            (format!("{}.json", record.attachment), &text[..text.len() - 4]),
            (format!("{}.json", record.attachment), ""),
            (format!("{other}.json"), text.as_str()),
            ("notes".to_owned(), text.as_str()),
        ] {
            std::fs::write(directory.path().join(&name), text).expect("written");
            let said = records.read().expect_err(&name).to_string();
            assert!(said.contains(&name) && !said.contains(&secret), "{said}");
            std::fs::remove_file(directory.path().join(&name)).expect("removed");
        }
        std::fs::write(directory.path().join(".new-x"), "half").expect("written");
        assert!(records.read().expect("what was being written is nothing yet").is_empty());
        records.sweep().expect("swept");
        assert_eq!(std::fs::read_dir(directory.path()).expect("lists").count(), 0);
    }
}
