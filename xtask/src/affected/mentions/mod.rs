//! What sources say of paths outside their package: `include_str!("../../table")`, `#[path]`, a fixture's name in a test.
//!
//! ```text
//! sources ─> scan (texts that may be paths, file by file) ─> index (where each leads) ─> the planner
//! ```
//! Nobody can tell from a source what a program will read; this tells what it names. A source that climbs out of its
//! package by `parent()` or `".."`, or that asks git, is taken to read everything. Names put together from parts that
//! were computed, and variables of the environment, are not seen: a job's `reads` or a record of its run tells them.

pub mod index;
pub mod read;

pub mod scan;
