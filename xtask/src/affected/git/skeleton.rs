//! Lays out what cargo needs of a tree to describe it: manifests and lock files as they were, and empty files where
//! targets and READMEs were, since cargo finds both by looking.

use std::{
    collections::HashSet,
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use super::{Git, is_manifest};
use crate::affected::{path::RepoPath, tree::Tree};

/// A tree with more manifests than this is not asked for in one piece.
const MOST_MANIFESTS: usize = 20_000;

impl Git {
    /// Writes the skeleton of `tree` into the empty folder `into`.
    ///
    /// # Errors
    /// Git or the file system failed, or the tree is too large.
    pub fn skeleton(&self, tree: &Tree, into: &Path) -> Result<()> {
        let vendored: HashSet<Vec<u8>> = tree.iter().filter_map(|(path, _)| vendored(path)).collect();
        let mut folders = HashSet::new();
        let mut wanted = Vec::new();
        for (path, entry) in tree.iter() {
            if within(path, &vendored) {
                continue;
            }
            if is_manifest(path) {
                ensure!(entry.mode.starts_with("100"), "{path} is no plain file");
                wanted.push((&entry.id, path));
            } else if is_looked_for(path) {
                put(into, path, b"", &mut folders)?;
            }
        }
        ensure!(wanted.len() <= MOST_MANIFESTS, "there are more than {MOST_MANIFESTS} manifests");
        let ids: Vec<&str> = wanted.iter().map(|(id, _)| id.as_str()).collect();
        for ((id, path), contents) in wanted.iter().zip(self.blobs(&ids)?) {
            let contents = contents.with_context(|| format!("git does not have {id} ({path})"))?;
            put(into, path, &contents, &mut folders)?;
        }
        Ok(())
    }
}

/// Whether cargo may find a target or a readme by this file. More than it looks at today is fine, and so is less of what
/// it looks at tomorrow: a target that only head seems to have selects.
#[must_use]
pub fn is_looked_for(path: &RepoPath) -> bool {
    let (name, folder) = path.name_and_folder();
    matches!(name, b"lib.rs" | b"main.rs" | b"build.rs" | b"README" | b"README.md" | b"README.txt")
        || (name.ends_with(b".rs") && matches!(folder, b"bin" | b"tests" | b"examples" | b"benches"))
}

/// The folder of a crate from elsewhere, which `cargo vendor` laid out and which is no member. Should one be a member all
/// the same, it is new in head, and that selects more.
fn vendored(path: &RepoPath) -> Option<Vec<u8>> {
    path.as_bytes().strip_suffix(b"/.cargo-checksum.json").map(<[u8]>::to_vec)
}

fn within(path: &RepoPath, folders: &HashSet<Vec<u8>>) -> bool {
    let bytes = path.as_bytes();
    let mut slashes = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    !folders.is_empty() && slashes.any(|at| folders.contains(&bytes[..at]))
}

/// `folders` are those that are there already.
fn put(into: &Path, path: &RepoPath, contents: &[u8], folders: &mut HashSet<PathBuf>) -> Result<()> {
    // Git refuses to track such names; a skeleton must not leave its folder whatever it is told.
    let parts: Vec<&[u8]> = path.as_bytes().split(|byte| *byte == b'/').collect();
    ensure!(parts.iter().all(|part| !matches!(*part, b"" | b"." | b"..")), "{path} leaves the tree");
    let file = into.join(OsStr::from_bytes(path.as_bytes()));
    let folder = file.parent().context("a file without a folder")?;
    if !folders.contains(folder) {
        std::fs::create_dir_all(folder)?;
        folders.insert(folder.to_owned());
    }
    std::fs::write(&file, contents).with_context(|| format!("the skeleton of {path}"))
}

#[cfg(test)]
mod tests {
    use super::{RepoPath, is_looked_for, vendored, within};

    #[test]
    fn crates_from_elsewhere_are_left_out() {
        let folders = [vendored(&RepoPath::new("supply/a/.cargo-checksum.json")).unwrap()].into();
        assert!(within(&RepoPath::new("supply/a/src/lib.rs"), &folders));
        assert!(!within(&RepoPath::new("supply/ab/src/lib.rs"), &folders));
        assert_eq!(vendored(&RepoPath::new("supply/a/Cargo.toml")), None);
    }

    #[test]
    fn what_cargo_looks_for_is_laid_out() {
        let looked = |name: &str| is_looked_for(&RepoPath::new(name));
        for name in ["a/src/lib.rs", "build.rs", "a/src/bin/x.rs", "a/src/bin/x/main.rs", "tests/it.rs", "README.md"] {
            assert!(looked(name), "{name}");
        }
        for name in ["a/src/x.rs", "a/src/plan/tests.rs", "a/tests/data/x.txt", "docs/a.md"] {
            assert!(!looked(name), "{name}");
        }
    }
}
