//! What a backend holds, as the model has it.

use std::collections::BTreeMap;

use ashlar_common::driver::AccessMode;

use super::{
    call::{AttachmentSlot, SnapshotOf, SnapshotSlot, VolumeSlot},
    content::{Content, Stamp},
};

/// What may be true of a backend. Where an outcome is not known, there are several of these until a look tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct World {
    /// Volumes that are there.
    pub(crate) volumes: BTreeMap<VolumeSlot, Volume>,
    /// Snapshots that are there.
    pub(crate) snapshots: BTreeMap<SnapshotSlot, Snapshot>,
}

/// A volume.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Volume {
    /// The number of the call that made it: a volume that is made anew is another, though its id is the same.
    pub(crate) made: u32,
    /// Its size.
    pub(crate) size: u64,
    /// What a repeat of the call that made it is told by.
    pub(crate) origin: Origin,
    /// Its bytes.
    pub(crate) content: Content,
    /// Its attachments.
    pub(crate) attachments: BTreeMap<AttachmentSlot, Mode>,
}

/// How an attachment may be used. [`AccessMode`] with an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    /// Read only.
    Read,
    /// Read and write.
    Write,
}

/// Where a volume's first bytes came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// Nowhere.
    Empty,
    /// A snapshot, and the number of the call that took it.
    Snapshot(SnapshotOf, u32),
    /// Another volume, and the number of the call that made it.
    Volume(VolumeSlot, u32),
    /// An image.
    Image(Stamp),
}

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Snapshot {
    /// The number of the call that took it.
    pub(crate) made: u32,
    /// The volume that it is of.
    pub(crate) volume: VolumeSlot,
    /// The number of the call that made that volume.
    pub(crate) volume_made: u32,
    /// The volume's size then.
    pub(crate) size: u64,
    /// Its bytes then.
    pub(crate) content: Content,
}

impl World {
    /// Snapshots under a volume's id, of it or of one before it.
    #[must_use]
    pub(crate) fn has_snapshots(&self, volume: VolumeSlot) -> bool {
        self.snapshots.values().any(|snapshot| snapshot.volume == volume)
    }
}

impl Volume {
    /// Whether a client may write to it now.
    #[must_use]
    pub(crate) fn may_be_written(&self) -> bool {
        self.attachments.values().any(|mode| *mode == Mode::Write)
    }
}

impl From<AccessMode> for Mode {
    fn from(mode: AccessMode) -> Self {
        match mode {
            AccessMode::ReadOnly => Self::Read,
            AccessMode::ReadWrite => Self::Write,
        }
    }
}

impl From<Mode> for AccessMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Read => Self::ReadOnly,
            Mode::Write => Self::ReadWrite,
        }
    }
}
