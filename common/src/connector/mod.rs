//! Reaching volumes from this host, by what a driver's `attach` told.
//!
//! This is the client's side of [`ConnectionInfo`](crate::driver::ConnectionInfo), with the protocols and keys of
//! os-brick: [`Connectors::attach`] makes a volume a path, [`Connectors::detach`] ends that so that nothing stale is
//! left, [`Connectors::rescan`] follows a volume that grew. All of them may be repeated, also after a crash in the
//! middle of one. `docs/attach.md` says what happens on the machine, and why so.

mod apart;
mod connectors;
mod error;
mod iscsi;
mod lock;
mod path;
mod properties;

pub use connectors::{Attached, Connectors, Detached, Machine};
pub use error::Error;
