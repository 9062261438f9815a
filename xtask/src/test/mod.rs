//! `cargo xtask test`: everything that gates a change, in one command. CI runs it and nothing else.

pub mod command;
pub mod junit;
pub mod labs;
pub mod nextest;
pub mod runner;
pub mod summary;
