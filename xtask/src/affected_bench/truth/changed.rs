//! The changed paths, as git tells them once everything is committed.

use std::path::Path;

use anyhow::{Context, Result};

use crate::{affected::path::RepoPath, affected_bench::programs::Programs};

/// A path that differs between base and head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::affected_bench) struct Change {
    /// From the root of the tree.
    pub(in crate::affected_bench) path: RepoPath,
    /// Whether something came to be or went, so that a listing of its folder differs.
    pub(in crate::affected_bench) listed_otherwise: bool,
}

/// What differs between `base` and the commit that is checked out in `tree`.
pub(in crate::affected_bench) fn changes(programs: &Programs, tree: &Path, base: &str) -> Result<Vec<Change>> {
    let raw = programs.git(tree, &["diff-tree", "-r", "-z", "--raw", "--no-renames", base, "HEAD"])?;
    let mut records = raw.split(|byte| *byte == 0).filter(|record| !record.is_empty());
    let mut found = Vec::new();
    while let Some(head) = records.next() {
        let path = records.next().context("git printed a change without a path")?;
        let status = head.last().copied().unwrap_or_default();
        found.push(Change { path: RepoPath::new(path), listed_otherwise: matches!(status, b'A' | b'D') });
    }
    Ok(found)
}
