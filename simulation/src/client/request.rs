//! What clients ask for.

use ashlar_common::{
    ids::{AttachmentId, SnapshotId, VolumeId},
    manager::Source,
    units::ByteCount,
};

use super::told::Told;
use crate::fabric::Place;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Its number in the run; its id is made from it.
    pub(crate) number: u32,
    pub(crate) what: What,
    /// The API process it was sent to.
    pub(crate) place: Place,
    /// `None` while it is under way.
    pub(crate) told: Option<Told>,
    /// What it was told was held against the store.
    pub(crate) checked: bool,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Create { size: ByteCount, source: Source, multi_attach: bool },
    Delete { volume: VolumeId, cascade: bool },
    Extend { volume: VolumeId, to: ByteCount },
    Snapshot { volume: VolumeId },
    DeleteSnapshot { snapshot: SnapshotId },
    Revert { volume: VolumeId, snapshot: SnapshotId },
    Attach { volume: VolumeId, client: u32, connect: bool },
    Complete { attachment: AttachmentId },
    Detach { attachment: AttachmentId },
    Initialize { volume: VolumeId, client: u32 },
    Reserve { volume: VolumeId },
    Unreserve { volume: VolumeId },
}

impl What {
    /// Whether the answer waits for the host.
    pub(crate) fn waits(&self) -> bool {
        matches!(
            self,
            Self::Attach { connect: true, .. } | Self::Detach { .. } | Self::Initialize { .. } | Self::Unreserve { .. }
        )
    }

    /// Whether, taken in, it is in the log.
    pub(crate) fn is_logged(&self) -> bool {
        !matches!(
            self,
            Self::Attach { connect: false, .. }
                | Self::Complete { .. }
                | Self::Reserve { .. }
                | Self::Unreserve { .. }
                | Self::Detach { .. }
        )
    }
}

impl Request {
    /// As in the log and in messages.
    pub(crate) fn id(&self) -> String {
        format!("req-{}", self.number)
    }
}
