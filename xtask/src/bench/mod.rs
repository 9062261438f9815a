//! `cargo xtask bench`: figures of this machine.

pub mod command;
