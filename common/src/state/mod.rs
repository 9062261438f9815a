//! What may happen to volumes, snapshots and attachments: pure functions of state and event.
//!
//! A state that waits for an operation holds that operation's id, so that a late answer of another is refused. The
//! words that clients see (`available`, `in-use`, ...) are derived by [`status`], never stored as the truth.

pub mod attachment;
pub mod refused;
pub mod snapshot;
pub mod status;
pub mod volume;

pub use attachment::{AttachmentEvent, AttachmentState};
pub use refused::Refused;
pub use snapshot::{SnapshotEvent, SnapshotState};
pub use status::Status;
pub use volume::{VolumeEvent, VolumeState};

#[cfg(test)]
mod tests;
