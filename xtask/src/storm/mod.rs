//! `cargo xtask storm`: builds the service and the program that kills it, and runs that.

pub mod command;
