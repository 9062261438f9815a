//! The tracked tree, read once for each test.

use std::path::{Path, PathBuf};

use crate::affected::{cargo::Cargo, git::Git, jobs::JobTable, path::RepoPath};

/// This workspace: its packages and its tracked files.
pub(super) struct Tree {
    pub(super) cargo: Cargo,
    pub(super) tracked: Vec<RepoPath>,
}

/// A tracked file that is text.
pub(super) struct Text {
    pub(super) path: String,
    pub(super) text: String,
}

impl Tree {
    pub(super) fn read() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let cargo = Cargo::read(here).unwrap();
        let git = Git::open(here).unwrap();
        // Deleted but not yet committed: nothing is left to be tidy.
        let tracked = git.tracked().unwrap().into_iter().filter(|path| git.top().join(path.to_path_buf()).exists());
        Self { tracked: tracked.collect(), cargo }
    }

    pub(super) fn jobs(&self) -> JobTable {
        JobTable::read(&self.cargo.root, &self.cargo.workspace).unwrap()
    }

    pub(super) fn root(&self) -> &Path {
        &self.cargo.root
    }

    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.cargo.root.join(path)
    }

    /// The tracked files whose name ends so and that are UTF-8.
    pub(super) fn texts(&self, ends: &str) -> Vec<Text> {
        let named = self.tracked.iter().filter(|path| path.as_bytes().ends_with(ends.as_bytes()));
        let text = |path: &RepoPath| {
            let text = std::fs::read_to_string(self.cargo.root.join(path.to_path_buf())).ok()?;
            Some(Text { path: path.to_string(), text })
        };
        named.filter_map(text).collect()
    }

    /// The folders of the drivers: packages below `drivers/` that build an executable, and those named like one.
    pub(super) fn drivers(&self) -> Vec<Driver> {
        let members = self.cargo.workspace.members();
        let drivers = members.filter_map(|(_, package)| {
            let name = package.name.strip_prefix("ashlar-driver-")?.to_owned();
            let folder = String::from_utf8(package.directory.clone()?).ok()?;
            Some(Driver { name, folder, executables: package.executables.clone() })
        });
        let mut drivers: Vec<Driver> = drivers.collect();
        drivers.sort_by(|a, b| a.name.cmp(&b.name));
        assert!(!drivers.is_empty(), "a workspace without a driver is not this one");
        drivers
    }
}

/// A driver's package.
pub(super) struct Driver {
    pub(super) name: String,
    pub(super) folder: String,
    pub(super) executables: Vec<String>,
}

/// Fails with all offenders at once.
pub(super) fn none(offenders: &[String], what: &str) {
    assert!(offenders.is_empty(), "{what}\n  {}", offenders.join("\n  "));
}
