//! The volume manager: what becomes of a request.
//!
//! Each operation has a file of its own, with both its halves. The request half is a method of
//! [`Intake`]: one transaction validates, places, reserves, changes state and logs the operation. The other half
//! runs in the backend's host: [`Worker`] claims the operation, [`perform`] makes the driver call, and one
//! transaction in [`outcome`] commits what came of it. [`recovery`] decides what an operation whose end nobody saw
//! needs.

pub mod attach;
pub mod attach_actions;
pub mod clone;
pub mod create;
pub mod create_from_snapshot;
pub mod delete;
pub mod detach;
pub mod explain;
pub mod extend;
mod functions;
pub mod hints;
pub mod image_in;
pub mod image_out;
pub mod image_store;
pub mod intake;
pub mod membership;
pub mod outcome;
pub mod perform;
pub mod pools;
pub mod reconcile;
pub mod recovery;
pub mod refusal;
mod reserved;
pub mod reset;
pub mod revert;
pub mod rivals;
pub mod sightings;
pub mod snapshot;
pub mod stats;
pub mod user_message;
pub mod wait;
pub mod watch;
pub mod worker;

pub use attach::NewAttachment;
pub use create::{NewVolume, Source};
pub use explain::{Question, explain};
pub use image_store::ImageStore;
pub use intake::{Intake, Requester};
pub use membership::Membership;
pub use refusal::Refusal;
pub use snapshot::NewSnapshot;
pub use stats::OperatorFunctions;
pub use worker::Worker;

#[cfg(test)]
mod tests;
