//! What the driver refuses, and what its backend does.

use ashlar_common::{
    driver::{Classified, Kind, context::Stopped},
    ids::{PoolName, SnapshotId, VolumeId},
};

use super::room::Full;

/// A call did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("there is no pool {0} here")]
    NoPool(PoolName),
    #[error("there is no pool {0} to move to")]
    NoTarget(PoolName),
    #[error("there is no volume {0}")]
    NoVolume(VolumeId),
    #[error("there is no snapshot {0}")]
    NoSnapshot(SnapshotId),
    #[error("pool {0} holds nothing of the name {1:?}")]
    NoForeign(PoolName, String),
    #[error("{what} is there already and {differs}")]
    Conflict { what: String, differs: &'static str },
    #[error("volume {0} is attached")]
    Attached(VolumeId),
    #[error("volume {0} has as many attachments as it may have")]
    TooManyAttachments(VolumeId),
    #[error("volume {0} has snapshots")]
    HasSnapshots(VolumeId),
    #[error("volume {0} was written to meanwhile")]
    Changed(VolumeId),
    #[error("the pool has no room for that")]
    Full,
    #[error("{0}")]
    Invalid(String),
    #[error("no scratch file for an image")]
    Scratch(#[source] std::io::Error),
    #[error("the backend cannot be reached")]
    Away,
    #[error("the backend refused the step {0}")]
    Refused(&'static str),
    #[error("the backend's answer to the step {0} was lost")]
    AnswerLost(&'static str),
    #[error("the call was stopped")]
    Stopped(#[from] Stopped),
}

impl Classified for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::NoVolume(_) | Self::NoSnapshot(_) | Self::NoForeign(..) | Self::NoTarget(_) => Kind::NotFound,
            Self::Conflict { .. } => Kind::Conflict,
            Self::Attached(_) | Self::TooManyAttachments(_) | Self::HasSnapshots(_) | Self::Changed(_) => Kind::Busy,
            Self::Full => Kind::OutOfSpace,
            // Not `NotFound`: a pool that went missing from the configuration must not make its volumes seem gone.
            Self::NoPool(_) | Self::Invalid(_) => Kind::Invalid,
            Self::Scratch(_) | Self::Away | Self::Refused(_) => Kind::Unavailable,
            Self::AnswerLost(_) => Kind::Indeterminate,
            Self::Stopped(stopped) => stopped.kind(),
        }
    }
}

impl Error {
    /// The same error of a step after one that changed something: that nothing was changed is not true any more.
    pub(super) fn unsettled(self) -> Self {
        match self {
            Self::Away => Self::AnswerLost("of the backend that went away"),
            Self::Refused(step) => Self::AnswerLost(step),
            other => other,
        }
    }
}

impl From<Full> for Error {
    fn from(Full: Full) -> Self {
        Self::Full
    }
}
