//! What is asked of a driver in a sequence, and what it answers, by names that stay the same from run to run.

use std::fmt;

use ashlar_common::driver::{AccessMode, Kind};

use super::content::Stamp;

/// One of the few volumes of a sequence; few, so that calls meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct VolumeSlot(pub(crate) u8);

/// One of the few snapshots of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SnapshotSlot(pub(crate) u8);

/// One of the few attachments of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct AttachmentSlot(pub(crate) u8);

/// How many volumes a sequence has at most.
pub(crate) const VOLUMES: u8 = 3;
/// How many snapshots.
pub(crate) const SNAPSHOTS: u8 = 3;
/// How many attachments a volume.
pub(crate) const ATTACHMENTS: u8 = 2;

/// A snapshot, and the volume that it is said to be of.
pub(crate) type SnapshotOf = (SnapshotSlot, VolumeSlot);

/// One call of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// `create`.
    Create { volume: VolumeSlot, size: u64 },
    /// `delete`.
    Delete { volume: VolumeSlot },
    /// `extend`, or `extend_attached`.
    Extend { volume: VolumeSlot, size: u64, online: bool },
    /// `create_snapshot`.
    Snapshot { of: SnapshotOf },
    /// `delete_snapshot`.
    DeleteSnapshot { of: SnapshotOf },
    /// `create_from_snapshot`.
    FromSnapshot { volume: VolumeSlot, size: u64, of: SnapshotOf },
    /// `clone_volume`.
    Clone { volume: VolumeSlot, size: u64, from: VolumeSlot },
    /// `revert`.
    Revert { of: SnapshotOf },
    /// `attach`.
    Attach { volume: VolumeSlot, attachment: AttachmentSlot, mode: AccessMode },
    /// `detach` of one.
    Detach { volume: VolumeSlot, attachment: AttachmentSlot },
    /// `detach` of all.
    DetachAll { volume: VolumeSlot },
    /// `copy_image_to_volume` of a raw image.
    ImageIn { volume: VolumeSlot, size: u64, length: u64, stamp: Stamp },
    /// `copy_volume_to_image` to a raw image.
    ImageOut { volume: VolumeSlot },
}

impl Call {
    /// The same with a size that a volume may have, where those are multiples of `unit`.
    #[must_use]
    pub(crate) const fn in_units(mut self, unit: u64) -> Self {
        if let Self::Create { size, .. }
        | Self::Extend { size, .. }
        | Self::FromSnapshot { size, .. }
        | Self::Clone { size, .. }
        | Self::ImageIn { size, .. } = &mut self
        {
            *size = size.next_multiple_of(unit);
        }
        self
    }

    /// The volume that it may change.
    #[must_use]
    pub(crate) const fn volume(&self) -> VolumeSlot {
        match self {
            Self::Create { volume, .. }
            | Self::Delete { volume }
            | Self::Extend { volume, .. }
            | Self::FromSnapshot { volume, .. }
            | Self::Clone { volume, .. }
            | Self::Attach { volume, .. }
            | Self::Detach { volume, .. }
            | Self::DetachAll { volume }
            | Self::ImageIn { volume, .. }
            | Self::ImageOut { volume }
            | Self::Snapshot { of: (_, volume) }
            | Self::DeleteSnapshot { of: (_, volume) }
            | Self::Revert { of: (_, volume) } => *volume,
        }
    }

    /// The snapshot that it speaks of.
    #[must_use]
    pub(crate) const fn snapshot(&self) -> Option<SnapshotOf> {
        match self {
            Self::Snapshot { of }
            | Self::DeleteSnapshot { of }
            | Self::FromSnapshot { of, .. }
            | Self::Revert { of } => Some(*of),
            _ => None,
        }
    }

    /// Whether another call is about an object that this one is about.
    #[must_use]
    pub(crate) fn meets(&self, other: &Self) -> bool {
        let same_snapshot = self.snapshot().is_some_and(|(id, _)| other.snapshot().is_some_and(|(its, _)| its == id));
        same_snapshot || self.volumes().iter().any(|volume| other.volumes().contains(volume))
    }

    /// The volumes that it needs, its own first.
    pub(crate) fn volumes(&self) -> Vec<VolumeSlot> {
        let source = match self {
            Self::Clone { from, .. } => Some(*from),
            Self::FromSnapshot { of: (_, volume), .. } => Some(*volume),
            _ => None,
        };
        [self.volume()].into_iter().chain(source).collect()
    }
}

/// What a call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It did it.
    Changed,
    /// It was so already.
    Unchanged,
    /// An error of this kind.
    Refused(Kind),
}

impl fmt::Display for VolumeSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.0)
    }
}

impl fmt::Display for SnapshotSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}

impl fmt::Display for AttachmentSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a{}", self.0)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed => f.write_str("changed"),
            Self::Unchanged => f.write_str("unchanged"),
            Self::Refused(kind) => kind.fmt(f),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { volume, size } => write!(f, "create {volume} of {size} bytes"),
            Self::Delete { volume } => write!(f, "delete {volume}"),
            Self::Extend { volume, size, online: false } => write!(f, "extend {volume} to {size} bytes"),
            Self::Extend { volume, size, online: true } => write!(f, "extend {volume}, attached, to {size} bytes"),
            Self::Snapshot { of: (snapshot, volume) } => write!(f, "snapshot {snapshot} of {volume}"),
            Self::DeleteSnapshot { of: (snapshot, volume) } => write!(f, "delete snapshot {snapshot} of {volume}"),
            Self::FromSnapshot { volume, size, of: (snapshot, of) } => {
                write!(f, "create {volume} of {size} bytes from snapshot {snapshot} of {of}")
            }
            Self::Clone { volume, size, from } => write!(f, "clone {volume} of {size} bytes from {from}"),
            Self::Revert { of: (snapshot, volume) } => write!(f, "revert {volume} to snapshot {snapshot}"),
            Self::Attach { volume, attachment, mode: AccessMode::ReadWrite } => {
                write!(f, "attach {volume} as {attachment}")
            }
            Self::Attach { volume, attachment, mode: AccessMode::ReadOnly } => {
                write!(f, "attach {volume} as {attachment}, read-only")
            }
            Self::Detach { volume, attachment } => write!(f, "detach {attachment} of {volume}"),
            Self::DetachAll { volume } => write!(f, "detach all of {volume}"),
            Self::ImageIn { volume, size, length, .. } => {
                write!(f, "copy an image of {length} bytes to {volume} of {size} bytes")
            }
            Self::ImageOut { volume } => write!(f, "copy {volume} to an image"),
        }
    }
}
