//! What cargo would compile, as far as manifests and the lock file decide it, at two points in time.
//!
//! ```text
//! base: git objects ─> skeleton ─┐
//! head: the work tree ───────────┴─> read ─> parse ─> compare ─> place ─> the planner
//! ```
//! [`read`] does the I/O, the rest are functions of texts. What is left out of the comparison is named key by key
//! (what only people, registries and other tools read); a key that nobody thought of counts. What cannot be compared is
//! an error, and then every job runs.

pub mod compare;
pub mod lock;
pub mod manifest;
pub mod member;
pub mod parse;
pub mod place;
pub mod read;

#[cfg(test)]
mod tests;
