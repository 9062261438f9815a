//! Labs: the real thing for tests, benches and people, where others would take a mock.
//!
//! [`postgres`] raises a database server that dies with who started it and can be killed, stopped, paused and restarted on
//! purpose; [`lvm`] makes volume groups that can be broken; [`proxy`] stands before any server and spoils its connections;
//! [`disk`] is full or read-only. All calls block: a test on a runtime with
//! one thread makes them where nothing else has to go on. Nothing here is skipped: what is missing is an error that
//! says what to install.

pub mod disk;
mod error;
mod folder;
pub mod lvm;
pub mod machine;
pub mod postgres;
mod process;
mod program;
pub mod proxy;
mod standing;

pub use error::{Error, Result};
pub use standing::{Claim, Lab, Standing};
