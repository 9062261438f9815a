//! This repository's own past: for each commit, the plan beside what cargo really built again.
//!
//! Both are taken against the first parent. The truth is smaller than that of the bench: a job is needed where
//! `cargo check --tests` builds a unit of one of its packages again; what its tests read is not known. The plan is
//! today's: [`overlay`] lays today's job table over both sides, fitted to the packages that were there.

mod overlay;
mod table;
mod walk;

pub(super) use walk::history;
