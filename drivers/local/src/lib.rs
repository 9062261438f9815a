//! Volumes as files in one directory: the embedded default, and the smallest complete driver.
//!
//! [`driver`] maps the contract to [`ashlar_file_volumes`], which does the work. `README.md` beside this crate is the
//! runbook: how to install and configure it, what it cannot do, and what to do when it complains.

pub mod config;
pub mod driver;
pub mod error;

pub use config::Config;
pub use driver::LocalDriver;
pub use error::Error;
