//! `cargo xtask test`: everything that CI demands, on a machine that has no more than Rust.

pub mod command;
pub mod junit;
pub mod summary;
