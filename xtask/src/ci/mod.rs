//! `cargo xtask ci`: what CI does to a change, on this machine: plan, run, judge.
//!
//! ```text
//! affected::planned ──> queue ──> jobs (test::runner) ──> gate
//! ```
//! [`queue`] decides what may run beside what, without I/O; [`jobs`] runs it; [`command`] puts the parts together.

pub mod command;
pub mod jobs;
pub mod queue;
