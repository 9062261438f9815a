//! Reads the sources of a tree, each once for as long as it stays the same.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::scan::{Said, scan};
use crate::affected::{git::Git, path::RepoPath, tree::Tree};

/// What was read before, by object id.
pub type Known = BTreeMap<String, Said>;

/// What each Rust source says, by its path, and what to know the next time. Those among `fresh` are read on disk, the
/// others as `tree` has them.
///
/// # Errors
/// Git failed.
pub fn said(
    git: &Git,
    tree: &Tree,
    fresh: &BTreeSet<RepoPath>,
    known: &Known,
) -> Result<(BTreeMap<RepoPath, Said>, Known)> {
    let is_source = |path: &RepoPath| path.as_bytes().ends_with(b".rs");
    let files: Vec<(&RepoPath, &str)> = tree
        .iter()
        .filter(|(path, entry)| is_source(path) && entry.mode.starts_with("100") && !fresh.contains(*path))
        .map(|(path, entry)| (path, entry.id.as_str()))
        .collect();
    let missing: BTreeSet<&str> = files.iter().map(|(_, id)| *id).filter(|id| !known.contains_key(*id)).collect();
    let missing: Vec<&str> = missing.into_iter().collect();
    let mut now = Known::new();
    for (id, contents) in missing.iter().zip(git.blobs(&missing)?) {
        // A clone without all objects: what it does not say may be anything.
        now.insert((*id).to_owned(), contents.map_or_else(Said::anything, |contents| scan(&contents)));
    }
    let mut said = BTreeMap::new();
    for (path, id) in files {
        let one = now.get(id).or_else(|| known.get(id)).cloned().unwrap_or_else(Said::anything);
        now.insert(id.to_owned(), one.clone());
        said.insert(path.clone(), one);
    }
    for path in fresh.iter().filter(|path| is_source(path)) {
        // What is gone says nothing, and is among the changed paths itself.
        if let Ok(contents) = std::fs::read(git.top().join(path.to_path_buf())) {
            said.insert(path.clone(), scan(&contents));
        }
    }
    Ok((said, now))
}
