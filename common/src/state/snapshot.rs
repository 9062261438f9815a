//! A snapshot's life.

use serde::{Deserialize, Serialize};

use super::{refused::Refused, status::Status};
use crate::ids::OpId;

/// Where a snapshot stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SnapshotState {
    /// Being taken.
    Creating(OpId),
    /// There, and usable.
    Available,
    /// Being removed; holds where it stood before.
    Deleting(OpId, SnapshotRest),
    /// At rest after a failure or by an administrator's word.
    Rest(SnapshotRest),
    /// Gone: its record is removed with this transition.
    Deleted,
}

/// Where a snapshot can stand with no operation at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SnapshotRest {
    /// As [`SnapshotState::Available`].
    Available,
    /// It could not be taken, or is damaged.
    Error,
    /// It could not be removed.
    ErrorDeleting,
    /// An administrator set this status.
    Forced(Status),
}

/// What can happen to a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotEvent {
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

impl SnapshotState {
    /// The state after `event`.
    ///
    /// # Errors
    /// [`Refused`] when the state does not take the event; nothing changes.
    pub fn on(&self, event: &SnapshotEvent) -> Result<Self, Refused> {
        use SnapshotEvent as E;
        Ok(match (self, event) {
            (Self::Available, E::Delete(op)) => Self::Deleting(*op, SnapshotRest::Available),
            (Self::Rest(rest), E::Delete(op)) => Self::Deleting(*op, *rest),
            (Self::Creating(a), E::Done(b)) if a == b => Self::Available,
            (Self::Deleting(a, _), E::Done(b)) if a == b => Self::Deleted,
            (Self::Creating(a), E::GaveBack(b) | E::Failed(b)) if a == b => Self::Rest(SnapshotRest::Error),
            (Self::Deleting(a, SnapshotRest::Available), E::GaveBack(b)) if a == b => Self::Available,
            (Self::Deleting(a, rest), E::GaveBack(b)) if a == b => Self::Rest(*rest),
            (Self::Deleting(a, _), E::Failed(b)) if a == b => Self::Rest(SnapshotRest::ErrorDeleting),
            (Self::Deleted, E::Reset(_)) => return Err(Refused::new(self.status().as_str(), event.verb())),
            (_, E::Reset(status)) => match status {
                Status::Available => Self::Available,
                Status::Error => Self::Rest(SnapshotRest::Error),
                Status::ErrorDeleting => Self::Rest(SnapshotRest::ErrorDeleting),
                other => Self::Rest(SnapshotRest::Forced(*other)),
            },
            _ => return Err(Refused::new(self.status().as_str(), event.verb())),
        })
    }

    /// The operation the snapshot waits for.
    #[must_use]
    pub fn op(&self) -> Option<OpId> {
        match self {
            Self::Creating(op) | Self::Deleting(op, _) => Some(*op),
            Self::Available | Self::Rest(_) | Self::Deleted => None,
        }
    }

    /// The API's word.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Creating(_) => Status::Creating,
            Self::Available | Self::Rest(SnapshotRest::Available) => Status::Available,
            Self::Deleting(..) => Status::Deleting,
            Self::Rest(SnapshotRest::Error) => Status::Error,
            Self::Rest(SnapshotRest::ErrorDeleting) => Status::ErrorDeleting,
            Self::Rest(SnapshotRest::Forced(status)) => *status,
            Self::Deleted => Status::Deleted,
        }
    }
}

impl SnapshotEvent {
    fn verb(&self) -> &'static str {
        match self {
            Self::Delete(_) => "delete",
            Self::Done(_) | Self::GaveBack(_) | Self::Failed(_) => "a late answer",
            Self::Reset(_) => "reset status",
        }
    }
}
