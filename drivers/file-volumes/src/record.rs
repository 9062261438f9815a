//! What an object is, kept beside its bytes: a repeat of the call that made it is told from another call by this.

use std::{
    fs::File,
    io::{Read, Write},
};

use ashlar_common::ids::{SnapshotId, VolumeId};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Doing, Error},
    layout::RECORD,
    root::Dir,
};

/// The version written.
const VERSION: u32 = 1;
/// Far above what a record takes; more is not a record.
const MAX_BYTES: u64 = 4096;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Record {
    /// A volume, and where its first bytes came from.
    Volume(Origin),
    /// A snapshot of a volume.
    SnapshotOf(VolumeId),
}

/// Where a volume's first bytes came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Origin {
    /// Nowhere: it read zero.
    Empty,
    /// A snapshot.
    Snapshot(SnapshotId),
    /// Another volume.
    Volume(VolumeId),
    /// An image. Which one is not known, since an image comes as a path that says nothing of its contents.
    Image,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    object: Record,
}

impl Record {
    /// Writes the record to a new file.
    pub(crate) fn write(self, mut file: &File, name: &str) -> Result<(), Error> {
        let stored = Stored { version: VERSION, object: self };
        let mut text = serde_json::to_vec(&stored).expect("ids and names are always JSON");
        text.push(b'\n');
        file.write_all(&text).doing("write", name)?;
        file.sync_all().doing("write to disk", name)
    }

    /// Reads the record of the object in `dir`.
    pub(crate) fn read(dir: &Dir) -> Result<Self, Error> {
        let file = dir.known_file(RECORD, rustix::fs::OFlags::RDONLY)?;
        let mut text = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut text).doing("read", &dir.path_of(RECORD))?;
        let stored: Stored = serde_json::from_slice(&text)
            .map_err(|error| dir.damaged(RECORD, format!("it cannot be read: {error}")))?;
        if stored.version != VERSION {
            return Err(dir.damaged(RECORD, format!("its version {} is not known here", stored.version)));
        }
        Ok(stored.object)
    }
}

#[cfg(test)]
mod tests {
    use super::{Origin, Record, Stored};

    /// What version 1 wrote must be read for ever.
    #[test]
    fn records_of_version_1_are_read() {
        let id = "6d9c2b0e-7d0f-4c58-9a0e-0d7c1d1f8b1a";
        let cases = [
            (r#"{"version":1,"object":{"volume":"empty"}}"#.to_owned(), Record::Volume(Origin::Empty)),
            (r#"{"version":1,"object":{"volume":"image"}}"#.to_owned(), Record::Volume(Origin::Image)),
            (
                format!(r#"{{"version":1,"object":{{"volume":{{"snapshot":"{id}"}}}}}}"#),
                Record::Volume(Origin::Snapshot(id.parse().expect("an id"))),
            ),
            (
                format!(r#"{{"version":1,"object":{{"volume":{{"volume":"{id}"}}}}}}"#),
                Record::Volume(Origin::Volume(id.parse().expect("an id"))),
            ),
            (
                format!(r#"{{"version":1,"object":{{"snapshot-of":"{id}"}}}}"#),
                Record::SnapshotOf(id.parse().expect("an id")),
            ),
        ];
        for (text, expected) in cases {
            let read: Stored = serde_json::from_str(&text).expect("a record");
            assert_eq!(read.object, expected);
            assert_eq!(serde_json::to_string(&Stored { version: 1, object: expected }).expect("JSON"), text);
        }
    }
}
