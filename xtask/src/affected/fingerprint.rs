//! Digests of all that an answer of cargo is taken from, so that the answer can be kept.
//!
//! Cargo reads manifests, the lock file and its configuration; it finds targets by the names of files; and the
//! environment can tell it otherwise. Crates from elsewhere do not change under a lock file. What is kept of another
//! cargo, or by another build of this program, is not taken.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{
    changes::{Changes, Found},
    git::{Git, Listing, is_looked_for, is_manifest},
    kept::Parts,
    path::RepoPath,
    tree::Tree,
};
use crate::{environment::variables, evidence::facts::stamp};

/// Variables that change what cargo says, by the beginning of their names.
const HEARD: [&str; 6] = ["CARGO_", "RUSTUP_TOOLCHAIN", "RUSTC", "RUSTFLAGS", "HOME", "PATH"];
/// Those among them that differ from call to call.
const UNHEARD: [&str; 5] = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_MAKEFLAGS", "CARGO_TERM_", "CARGO_BIN_"];

/// What all answers of cargo on this machine depend on, for a folder.
#[derive(Clone)]
pub struct Fingerprint(Parts);

impl Fingerprint {
    /// Looks at this machine; `None` where it cannot be told apart from another.
    #[must_use]
    pub fn here(directory: &Path) -> Option<Self> {
        let mut parts = Parts::default();
        parts.add(stamp(&std::env::current_exe().ok()?).ok()?);
        // Under `cargo xtask` this is the very program; else PATH decides, and it is among the variables.
        let variables = variables();
        if let Some(cargo) = variables.get("CARGO") {
            parts.add(stamp(Path::new(cargo)).ok()?);
        }
        for (name, value) in &variables {
            let begins = |with: &&str| name.starts_with(*with);
            if HEARD.iter().any(&begins) && !UNHEARD.iter().any(begins) {
                parts.add(name);
                parts.add(value);
            }
        }
        parts.add(directory.as_os_str().as_encoded_bytes());
        let home = variables.get("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(Path::new(variables.get("HOME")?).join(".cargo")));
        let folders = directory.ancestors().map(|folder| folder.join(".cargo")).chain(home);
        for file in folders.flat_map(|folder| [folder.join("config"), folder.join("config.toml")]) {
            if let Ok(text) = std::fs::read(&file) {
                parts.add(file.as_os_str().as_encoded_bytes());
                parts.add(text);
            }
        }
        Some(Self(parts))
    }

    /// With a tree that git has.
    #[must_use]
    pub fn of_tree(&self, tree: &Tree) -> String {
        self.with(tree, &BTreeSet::new(), |_| None)
    }

    /// With the work tree; `None` where it is not known what differs in it.
    #[must_use]
    pub fn of_work_tree(&self, git: &Git, listing: &Listing, changes: &Changes) -> Option<String> {
        let Found::Paths { paths, .. } = &changes.found else { return None };
        Some(self.with(&listing.index, paths, |path| std::fs::read(git.top().join(path.to_path_buf())).ok()))
    }

    fn with(&self, tree: &Tree, fresh: &BTreeSet<RepoPath>, on_disk: impl Fn(&RepoPath) -> Option<Vec<u8>>) -> String {
        let mut parts = self.0.clone();
        let clean = tree.iter().filter(|(path, _)| !fresh.contains(*path));
        for (path, entry) in clean {
            if is_read(path) {
                parts.add(path.as_bytes());
                parts.add(&entry.id);
            } else if is_looked_for(path) {
                parts.add(path.as_bytes());
            }
        }
        parts.add("on disk");
        for path in fresh {
            if is_read(path) {
                parts.add(path.as_bytes());
                let text = on_disk(path);
                parts.add(if text.is_some() { "there" } else { "not there" });
                parts.add(text.unwrap_or_default());
            } else if is_looked_for(path) && on_disk(path).is_some() {
                parts.add(path.as_bytes());
            }
        }
        parts.digest()
    }
}

/// Whether cargo or rustup reads its contents to know what there is.
fn is_read(path: &RepoPath) -> bool {
    let (name, folder) = path.name_and_folder();
    is_manifest(path) || folder == b".cargo" || matches!(name, b"rust-toolchain" | b"rust-toolchain.toml")
}
