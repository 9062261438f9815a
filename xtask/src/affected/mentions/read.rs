//! Reads the sources of a tree, each once for as long as it stays the same.

use std::collections::{BTreeSet, HashMap, HashSet};

use anyhow::Result;

use super::scan::{Said, scan};
use crate::affected::{git::Git, path::RepoPath, tree::Tree};

/// What was read before, by object id.
pub type Known = HashMap<String, Said>;

/// What each Rust source says, by its path, and whether something was learnt or forgotten: `known` then holds what to
/// know the next time. Those among `fresh` are read on disk, the others as `tree` has them.
///
/// # Errors
/// Git failed.
pub fn said(
    git: &Git,
    tree: &Tree,
    fresh: &BTreeSet<RepoPath>,
    known: &mut Known,
) -> Result<(Vec<(RepoPath, Said)>, bool)> {
    let is_source = |path: &RepoPath| path.as_bytes().ends_with(b".rs");
    let files: Vec<(&RepoPath, &str)> = tree
        .iter()
        .filter(|(path, entry)| is_source(path) && entry.mode.starts_with("100") && !fresh.contains(*path))
        .map(|(path, entry)| (path, entry.id.as_str()))
        .collect();
    let ids: HashSet<&str> = files.iter().map(|(_, id)| *id).collect();
    let before = known.len();
    known.retain(|id, _| ids.contains(id.as_str()));
    let mut missing: Vec<&str> = ids.into_iter().filter(|id| !known.contains_key(*id)).collect();
    missing.sort_unstable();
    let changed = known.len() < before || !missing.is_empty();
    for (id, contents) in missing.iter().zip(git.blobs(&missing)?) {
        // A clone without all objects: what it does not say may be anything.
        known.insert((*id).to_owned(), contents.map_or_else(Said::anything, |contents| scan(&contents)));
    }
    let of = |id: &str| known.get(id).cloned().unwrap_or_else(Said::anything);
    let mut said: Vec<(RepoPath, Said)> = files.into_iter().map(|(path, id)| (path.clone(), of(id))).collect();
    for path in fresh.iter().filter(|path| is_source(path)) {
        // What is gone says nothing, and is among the changed paths itself.
        if let Ok(contents) = std::fs::read(git.top().join(path.to_path_buf())) {
            said.push((path.clone(), scan(&contents)));
        }
    }
    Ok((said, changed))
}
