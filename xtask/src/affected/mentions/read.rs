//! Reads the sources of a tree, each once for as long as it stays the same.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::scan::{Said, scan};
use crate::affected::{git::Git, path::RepoPath, tree::Tree};

/// What was read before, by object id.
pub type Known = BTreeMap<String, Said>;

/// What each Rust source of `tree` says, by its path. `known` is brought up to date. `place` is where a path lies on
/// disk: what was never committed is read there.
///
/// # Errors
/// Git failed.
pub fn sources(
    git: &Git,
    tree: &Tree,
    known: &mut Known,
    place: impl Fn(&RepoPath) -> std::path::PathBuf,
) -> Result<BTreeMap<RepoPath, Said>> {
    let files =
        || tree.iter().filter(|(path, entry)| path.as_bytes().ends_with(b".rs") && entry.mode.starts_with("100"));
    let missing: BTreeMap<&str, &RepoPath> = files()
        .filter(|(_, entry)| !known.contains_key(&entry.id))
        .map(|(path, entry)| (entry.id.as_str(), path))
        .collect();
    let ids: Vec<&str> = missing.keys().copied().collect();
    for ((id, path), contents) in missing.into_iter().zip(git.blobs(&ids)?) {
        // A file that is neither here nor there was deleted under our eyes; then its path is among the changed ones.
        let said = contents.or_else(|| std::fs::read(place(path)).ok()).map(|contents| scan(&contents));
        known.insert(id.to_owned(), said.unwrap_or_default());
    }
    let used: BTreeSet<&String> = files().map(|(_, entry)| &entry.id).collect();
    known.retain(|id, _| used.contains(id));
    Ok(files().filter_map(|(path, entry)| Some((path.clone(), known.get(&entry.id)?.clone()))).collect())
}
