//! A volume's life.

use serde::{Deserialize, Serialize};

use super::{refused::Refused, status::Status};
use crate::ids::OpId;

/// Where a volume stands, its attachments left aside.
///
/// ```
/// # use ashlar_common::{ids::OpId, state::{VolumeEvent, VolumeState}};
/// let (mine, other) = (OpId::new(), OpId::new());
/// let creating = VolumeState::Creating(mine);
/// assert_eq!(creating.on(&VolumeEvent::Done(mine)), Ok(VolumeState::Available));
/// // A late answer of another operation changes nothing.
/// assert!(creating.on(&VolumeEvent::Done(other)).is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VolumeState {
    /// Being made, empty or from another volume or snapshot.
    Creating(OpId),
    /// Being made from an image.
    Downloading(OpId),
    /// At rest: `available`, or what its attachments say.
    Available,
    /// Growing.
    Extending(OpId),
    /// Being written to an image.
    Uploading(OpId),
    /// Going back to a snapshot.
    Reverting(OpId),
    /// Being removed; holds where it stood before, for a backend that refuses.
    Deleting(OpId, Rest),
    /// At rest after a failure or by an administrator's word.
    Rest(Rest),
    /// Gone: its record is removed with this transition.
    Deleted,
}

/// Where a volume can stand with no operation at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rest {
    /// As [`VolumeState::Available`].
    Available,
    /// It could not be made, or is damaged.
    Error,
    /// It could not grow, and the backend is in doubt.
    ErrorExtending,
    /// It could not be removed.
    ErrorDeleting,
    /// An administrator set this status by `os-reset_status`.
    Forced(Status),
}

/// What can happen to a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumeEvent {
    /// Grow.
    Extend(OpId),
    /// Write to an image.
    Upload(OpId),
    /// Go back to a snapshot.
    Revert(OpId),
    /// Remove.
    Delete(OpId),
    /// The operation ended well.
    Done(OpId),
    /// The operation ended and nothing was changed.
    GaveBack(OpId),
    /// The operation failed, and the backend is in doubt.
    Failed(OpId),
    /// An administrator sets the status.
    Reset(Status),
}

impl VolumeState {
    /// The state after `event`.
    ///
    /// # Errors
    /// [`Refused`] when the state does not take the event; nothing changes.
    pub fn on(&self, event: &VolumeEvent) -> Result<Self, Refused> {
        use VolumeEvent as E;
        Ok(match (self, event) {
            (Self::Available, E::Extend(op)) => Self::Extending(*op),
            (Self::Available, E::Upload(op)) => Self::Uploading(*op),
            (Self::Available, E::Revert(op)) => Self::Reverting(*op),
            (Self::Available, E::Delete(op)) => Self::Deleting(*op, Rest::Available),
            (Self::Rest(rest), E::Delete(op)) => Self::Deleting(*op, *rest),

            (
                Self::Creating(a) | Self::Downloading(a) | Self::Extending(a) | Self::Uploading(a) | Self::Reverting(a),
                E::Done(b),
            ) if a == b => Self::Available,
            (Self::Deleting(a, _), E::Done(b)) if a == b => Self::Deleted,

            (Self::Creating(a) | Self::Downloading(a), E::GaveBack(b) | E::Failed(b)) if a == b => {
                Self::Rest(Rest::Error)
            }
            (Self::Extending(a) | Self::Uploading(a) | Self::Reverting(a), E::GaveBack(b)) if a == b => Self::Available,
            (Self::Deleting(a, rest), E::GaveBack(b)) if a == b => Self::resting(*rest),

            (Self::Extending(a), E::Failed(b)) if a == b => Self::Rest(Rest::ErrorExtending),
            // Reading a volume does it no harm, whatever becomes of the image.
            (Self::Uploading(a), E::Failed(b)) if a == b => Self::Available,
            (Self::Reverting(a), E::Failed(b)) if a == b => Self::Rest(Rest::Error),
            (Self::Deleting(a, _), E::Failed(b)) if a == b => Self::Rest(Rest::ErrorDeleting),

            (Self::Deleted, E::Reset(_)) => return Err(Refused::new(self.status().as_str(), event.verb())),
            (_, E::Reset(status)) => match status {
                Status::Available | Status::InUse | Status::Reserved => Self::Available,
                Status::Error => Self::Rest(Rest::Error),
                Status::ErrorExtending => Self::Rest(Rest::ErrorExtending),
                Status::ErrorDeleting => Self::Rest(Rest::ErrorDeleting),
                other => Self::Rest(Rest::Forced(*other)),
            },
            _ => return Err(Refused::new(self.status().as_str(), event.verb())),
        })
    }

    /// The operation the volume waits for.
    #[must_use]
    pub fn op(&self) -> Option<OpId> {
        match self {
            Self::Creating(op)
            | Self::Downloading(op)
            | Self::Extending(op)
            | Self::Uploading(op)
            | Self::Reverting(op)
            | Self::Deleting(op, _) => Some(*op),
            Self::Available | Self::Rest(_) | Self::Deleted => None,
        }
    }

    /// The API's word, attachments left aside.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Creating(_) => Status::Creating,
            Self::Downloading(_) => Status::Downloading,
            Self::Available | Self::Rest(Rest::Available) => Status::Available,
            Self::Extending(_) => Status::Extending,
            Self::Uploading(_) => Status::Uploading,
            Self::Reverting(_) => Status::Reverting,
            Self::Deleting(..) => Status::Deleting,
            Self::Rest(Rest::Error) => Status::Error,
            Self::Rest(Rest::ErrorExtending) => Status::ErrorExtending,
            Self::Rest(Rest::ErrorDeleting) => Status::ErrorDeleting,
            Self::Rest(Rest::Forced(status)) => *status,
            Self::Deleted => Status::Deleted,
        }
    }

    fn resting(rest: Rest) -> Self {
        match rest {
            Rest::Available => Self::Available,
            other => Self::Rest(other),
        }
    }
}

impl VolumeEvent {
    fn verb(&self) -> &'static str {
        match self {
            Self::Extend(_) => "extend",
            Self::Upload(_) => "upload",
            Self::Revert(_) => "revert",
            Self::Delete(_) => "delete",
            Self::Done(_) | Self::GaveBack(_) | Self::Failed(_) => "a late answer",
            Self::Reset(_) => "reset status",
        }
    }
}
