//! `cargo xtask affected-audit`: how often the planner leaves out a job that it should not have.
//!
//! ```text
//! cases (shadows of commits, sabotage of files) ─> a copy of the tree ─> plan ─> run a job that was left out ─> tally
//! ```
//! A job that was left out must pass as it did before the change. One that turns red is a miss; the tally bounds the
//! rate of misses from above, since none seen is not none there.

pub mod command;
pub mod copy;
pub mod sabotage;
pub mod tally;
