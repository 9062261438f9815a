//! `cargo xtask lab`: real backends for people and for jobs.
//!
//! [`ashlar_lab`] knows how to raise one; here is who keeps it. A lab has to outlive the command that raised it, and must not
//! outlive the run that it was raised for. So a process of its own keeps it ([`keeper`]): it ends with the keeper,
//! the keeper with the run, also where any of them is killed. [`control`] begins and ends keepers.

pub mod command;
mod control;
mod inside;
mod keeper;
mod show;

pub use control::OWNER;
