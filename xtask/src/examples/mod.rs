//! `cargo xtask ci-examples`: what CI systems need to plan a change, run the planned jobs and gate it.
//!
//! They are written to `ci/examples` and checked in; tests hold them to what would be written, and to each system's own
//! schema.

pub mod command;
pub mod files;
mod zuul;
