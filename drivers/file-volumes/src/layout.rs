//! Names on disk. Computed from ids and nothing else, so that a retry finds what the first try left.

use ashlar_common::{
    driver::AccessMode,
    ids::{AttachmentId, OpId, SnapshotId, VolumeId},
};
use uuid::Uuid;

/// One directory a volume.
pub(crate) const VOLUMES: &str = "volumes";
/// One directory a snapshot.
pub(crate) const SNAPSHOTS: &str = "snapshots";
/// One directory an attached volume, one hard link an attachment.
pub(crate) const ATTACHMENTS: &str = "attachments";
/// What is being made or removed.
pub(crate) const TMP: &str = "tmp";
/// The bytes, in an object's directory.
pub(crate) const DATA: &str = "data";
/// What the object is, in its directory; also what its lock is held on.
pub(crate) const RECORD: &str = "record";

/// Marks a read-only attachment's link.
const READ_ONLY: &str = ".ro";

/// A volume's directory.
pub(crate) fn volume(id: VolumeId) -> String {
    format!("volume-{id}")
}

/// The volume that a directory is of.
pub(crate) fn parse_volume(name: &str) -> Option<VolumeId> {
    canonical(name.strip_prefix("volume-")?)
}

/// A snapshot's directory.
pub(crate) fn snapshot(id: SnapshotId) -> String {
    format!("snapshot-{id}")
}

/// The snapshot that a directory is of.
pub(crate) fn parse_snapshot(name: &str) -> Option<SnapshotId> {
    canonical(name.strip_prefix("snapshot-")?)
}

/// An attachment's link.
pub(crate) fn attachment(id: AttachmentId, mode: AccessMode) -> String {
    match mode {
        AccessMode::ReadWrite => id.to_string(),
        AccessMode::ReadOnly => format!("{id}{READ_ONLY}"),
    }
}

/// The attachment that a link is of.
pub(crate) fn parse_attachment(name: &str) -> Option<(AttachmentId, AccessMode)> {
    match name.strip_suffix(READ_ONLY) {
        Some(id) => Some((canonical(id)?, AccessMode::ReadOnly)),
        None => Some((canonical(name)?, AccessMode::ReadWrite)),
    }
}

/// A name in `tmp/`: the object, the operation for people to look up, and what no other attempt has.
pub(crate) fn staged(object: &str, op: OpId) -> String {
    format!("{object}.{op}.{}", Uuid::new_v4().as_simple())
}

/// The object of a name in `tmp/`; `None` for what this store did not put there.
pub(crate) fn parse_staged(name: &str) -> Option<&str> {
    let mut parts = name.split('.');
    let (object, op, attempt) = (parts.next()?, parts.next()?, parts.next()?);
    let _: OpId = op.parse().ok()?;
    let whole = parts.next().is_none() && Uuid::try_parse(attempt).is_ok();
    whole.then_some(object)
}

/// An id in the one form that [`std::fmt::Display`] gives it: upper case would be a second name of the same object.
fn canonical<Id: std::str::FromStr + ToString>(text: &str) -> Option<Id> {
    let id: Id = text.parse().ok()?;
    (id.to_string() == text).then_some(id)
}

#[cfg(test)]
mod tests {
    use ashlar_common::{
        driver::AccessMode,
        ids::{AttachmentId, OpId, VolumeId},
    };

    use super::{attachment, parse_attachment, parse_staged, parse_volume, staged, volume};

    #[test]
    fn names_are_read_back_as_the_ids_they_were_made_from() {
        let (id, hold) = (VolumeId::new(), AttachmentId::new());
        assert_eq!(parse_volume(&volume(id)), Some(id));
        for mode in [AccessMode::ReadWrite, AccessMode::ReadOnly] {
            assert_eq!(parse_attachment(&attachment(hold, mode)), Some((hold, mode)));
        }
        assert_eq!(parse_staged(&staged(&volume(id), OpId::new())), Some(volume(id).as_str()));
    }

    #[test]
    fn foreign_names_are_nobody() {
        for name in ["", "volume-", "volume-..", "lost+found", "volume-6D9C2B0E-7D0F-4C58-9A0E-0D7C1D1F8B1A"] {
            assert_eq!(parse_volume(name), None, "{name}");
        }
        for name in ["", "..", "a.b.c", "volume-x.6d9c2b0e-7d0f-4c58-9a0e-0d7c1d1f8b1a"] {
            assert_eq!(parse_staged(name), None, "{name}");
        }
    }
}
