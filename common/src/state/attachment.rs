//! An attachment's life: from a client's first claim on a volume to the end of its export.

use serde::{Deserialize, Serialize};

use super::{refused::Refused, status::Status};
use crate::ids::OpId;

/// Where an attachment stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttachmentState {
    /// Made without a connector: the volume is kept for this client.
    Reserved,
    /// Made by `os-reserve`, the older way, which shows as `attaching`.
    Claimed,
    /// The backend is making the export; holds where the attachment stood before.
    Exporting(OpId, Hold),
    /// The client has its connection information and is connecting.
    Exported,
    /// The client said that it is connected.
    Attached,
    /// The client said that it is about to leave.
    Leaving,
    /// The backend is removing the export; holds where the attachment stood before.
    Removing(OpId, Hold),
    /// At rest after a failure.
    Failed(Hold),
    /// Gone: its record is removed with this transition.
    Deleted,
}

/// Where an attachment can stand with no operation at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hold {
    /// As [`AttachmentState::Reserved`].
    Reserved,
    /// As [`AttachmentState::Claimed`].
    Claimed,
    /// As [`AttachmentState::Exported`].
    Exported,
    /// As [`AttachmentState::Attached`].
    Attached,
    /// As [`AttachmentState::Leaving`].
    Leaving,
    /// The export could not be made.
    ErrorAttaching,
    /// The export could not be removed.
    ErrorDetaching,
}

/// What can happen to an attachment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttachmentEvent {
    /// Make the export.
    Export(OpId),
    /// The client is connected.
    Complete,
    /// The client is about to leave.
    BeginLeaving,
    /// The client stays after all.
    Stay,
    /// Remove the export and the attachment.
    Remove(OpId),
    /// Drop a claim for which nothing was ever exported.
    Forget,
    /// The operation ended well.
    Done(OpId),
    /// The operation ended and nothing was changed.
    GaveBack(OpId),
    /// The operation failed, and the backend is in doubt.
    Failed(OpId),
}

impl AttachmentState {
    /// The state after `event`.
    ///
    /// # Errors
    /// [`Refused`] when the state does not take the event; nothing changes.
    pub fn on(&self, event: &AttachmentEvent) -> Result<Self, Refused> {
        use AttachmentEvent as E;
        Ok(match (self, event) {
            // An export may be asked for again, by a client that lost the answer.
            (Self::Reserved, E::Export(op)) => Self::Exporting(*op, Hold::Reserved),
            (Self::Claimed, E::Export(op)) => Self::Exporting(*op, Hold::Claimed),
            (Self::Exported, E::Export(op)) => Self::Exporting(*op, Hold::Exported),
            (Self::Failed(Hold::ErrorAttaching), E::Export(op)) => Self::Exporting(*op, Hold::ErrorAttaching),
            (Self::Claimed | Self::Exported, E::Complete) => Self::Attached,
            (Self::Attached, E::BeginLeaving) => Self::Leaving,
            (Self::Leaving, E::Stay) => Self::Attached,
            (Self::Reserved | Self::Claimed, E::Forget) => Self::Deleted,
            (_, E::Remove(op)) => match self.hold() {
                Some(hold) => Self::Removing(*op, hold),
                None => return Err(Refused::new(self.word(), event.verb())),
            },

            (Self::Exporting(a, _), E::Done(b)) if a == b => Self::Exported,
            (Self::Exporting(a, hold) | Self::Removing(a, hold), E::GaveBack(b)) if a == b => Self::resting(*hold),
            (Self::Exporting(a, _), E::Failed(b)) if a == b => Self::Failed(Hold::ErrorAttaching),
            (Self::Removing(a, _), E::Done(b)) if a == b => Self::Deleted,
            (Self::Removing(a, _), E::Failed(b)) if a == b => Self::Failed(Hold::ErrorDetaching),
            _ => return Err(Refused::new(self.word(), event.verb())),
        })
    }

    /// The operation the attachment waits for.
    #[must_use]
    pub fn op(&self) -> Option<OpId> {
        match self {
            Self::Exporting(op, _) | Self::Removing(op, _) => Some(*op),
            _ => None,
        }
    }

    /// What this attachment makes of its volume's status.
    #[must_use]
    pub fn volume_status(&self) -> Status {
        match self {
            Self::Reserved | Self::Failed(Hold::Reserved) => Status::Reserved,
            Self::Claimed | Self::Exporting(..) | Self::Exported | Self::Failed(Hold::Claimed | Hold::Exported) => {
                Status::Attaching
            }
            Self::Attached | Self::Failed(Hold::Attached) => Status::InUse,
            // What only reserved the volume leaves without a trace.
            Self::Removing(_, Hold::Reserved) => Status::Reserved,
            Self::Leaving | Self::Removing(..) | Self::Failed(Hold::Leaving) => Status::Detaching,
            Self::Failed(Hold::ErrorAttaching) => Status::ErrorAttaching,
            Self::Failed(Hold::ErrorDetaching) => Status::ErrorDetaching,
            Self::Deleted => Status::Available,
        }
    }

    /// The word of the attachments API: `reserved`, `attaching`, `attached`, `detaching`, `error_attaching`, ...
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.volume_status() {
            Status::InUse => "attached",
            Status::Available => "detached",
            other => other.as_str(),
        }
    }

    fn hold(&self) -> Option<Hold> {
        match self {
            Self::Reserved => Some(Hold::Reserved),
            Self::Claimed => Some(Hold::Claimed),
            Self::Exported => Some(Hold::Exported),
            Self::Attached => Some(Hold::Attached),
            Self::Leaving => Some(Hold::Leaving),
            Self::Failed(hold) => Some(*hold),
            Self::Exporting(..) | Self::Removing(..) | Self::Deleted => None,
        }
    }

    fn resting(hold: Hold) -> Self {
        match hold {
            Hold::Reserved => Self::Reserved,
            Hold::Claimed => Self::Claimed,
            Hold::Exported => Self::Exported,
            Hold::Attached => Self::Attached,
            Hold::Leaving => Self::Leaving,
            error @ (Hold::ErrorAttaching | Hold::ErrorDetaching) => Self::Failed(error),
        }
    }
}

impl AttachmentEvent {
    fn verb(&self) -> &'static str {
        match self {
            Self::Export(_) => "connect",
            Self::Complete => "complete",
            Self::BeginLeaving => "begin detaching",
            Self::Stay => "roll detaching",
            Self::Remove(_) | Self::Forget => "detach",
            Self::Done(_) | Self::GaveBack(_) | Self::Failed(_) => "a late answer",
        }
    }
}
