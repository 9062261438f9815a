//! The main of every driver executable: the volume manager with one driver inside, the *host* of one backend.

pub mod calls;
mod compare;
mod describe;
mod lock;
mod logging;
mod main;
mod neighbours;
mod run;
mod standby;
mod watchdog;

pub use logging::{LogFormat, start_logging};
pub use main::{DriverProgram, main};
