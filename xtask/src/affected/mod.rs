//! `cargo xtask affected-tests`: which jobs a change needs, and why each.
//!
//! ```text
//! git.rs ──> changes ──┬─> shape ─┐
//! cargo.rs ─> graph ───┼──────────┴─> plan ──> render/*, explain
//! ci/jobs.toml ─> jobs ┘
//! ```
//! Only [`command`], [`git`], [`cargo`] and [`shape::read`] do I/O; the planner is a function of three values. Each rule of the planner
//! can only add jobs, every path is judged alone, and a path that nothing places selects every job: so a change can
//! never be answered with less than any part of it.

pub mod cargo;
pub mod changes;
pub mod command;
pub mod explain;
pub mod fingerprint;
pub mod git;
pub mod graph;
pub mod jobs;
pub mod kept;
pub mod mentions;
pub mod path;
pub mod picture;
pub mod plan;
pub mod planned;
pub mod render;
pub mod schema;
pub mod shape;
pub mod tree;
pub mod validate;
