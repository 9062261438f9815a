//! `cargo xtask affected-bench`: how far `affected-tests` can be trusted, found out by doing instead of by reading.
//!
//! ```text
//! workspace (files of a made-up workspace) ──> sandbox (on disk, with a way back)
//! cases (edits, listed and drawn) ───────────────> bench ──> score ──> report
//! tools (who is asked: ours, peers) ──────────────^   ^
//! truth (what is really needed: builds, traces, outcomes)
//! ```
//! [`truth`] says what counts. A miss of ours is a failure of the whole run.

mod bench;
mod cases;
pub mod command;
mod history;
mod programs;
mod report;
mod sandbox;
mod score;
mod session;
mod speed;
mod tools;
mod tree;
mod truth;
mod workspace;
