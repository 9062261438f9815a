//! Drivers in processes of their own, spoken to as the `calls` command of a driver executable wants it
//! ([`ashlar_common::host::calls`] is the protocol).
//!
//! A program is not trusted to keep the protocol. One that hangs, prints what is no reply, answers a call that nobody
//! made, or ends by itself has a *fault*: it is killed, its calls fail, and the case that started it fails with the
//! fault's words, whatever the case itself made of the errors.

mod driver;
mod keeper;
mod link;
mod start;
mod subject;
pub mod watch;

pub use start::{Patience, ProgramHost, start};
pub use subject::ProgramSubject;
