//! From what a run touched to what it depends on.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::Metadata,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{
    links::Links,
    record::{Reads, Seen},
    untracked::sha256,
};
use crate::{
    affected::{path::RepoPath, tree::Tree},
    trace::{By, How, Touch},
};

/// Stands for the whole history: who read in it may read anything that a commit changes.
const HISTORY: &str = ".git";
/// No SHA-256: what was read is not known any more, so that nothing is like it.
const CHANGED: &str = "changed-meanwhile";

/// Where and when a run took place.
#[derive(Debug)]
pub struct Scene<'s> {
    /// The workspace root; no link is in this name, nor in the others.
    pub root: &'s Path,
    /// The root of git's work tree.
    pub top: &'s Path,
    /// Where the run built.
    pub target: &'s Path,
    /// Folders whose contents are no inputs: all in which cargo builds.
    pub outputs: Vec<PathBuf>,
    /// The tree before the run, and after; paths as seen from the root.
    pub tree: &'s Tree,
    /// When the run began.
    pub began: SystemTime,
    /// Folders of workspace members, and whether the run built each.
    pub members: Vec<(RepoPath, bool)>,
}

/// What a run depends on.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// See [`super::record::Record`].
    pub governed_by: Reads,
    /// See [`super::record::Record`].
    pub built_from: Reads,
    /// See [`super::record::Record`].
    pub run_on: Reads,
    /// Files below the target folder that tests read or ran and did not write, relative to it.
    pub produced: BTreeSet<PathBuf>,
}

/// How one path was used by processes of one kind.
#[derive(Clone, Copy, Default)]
struct Use {
    read: bool,
    /// It was asked whether it is there, and no more.
    found: bool,
    listed: bool,
    absent: bool,
}

impl Inputs {
    /// Sorts out what counts.
    #[must_use]
    pub fn of(touches: &BTreeSet<Touch>, scene: &Scene<'_>) -> Self {
        let mut links = Links::below(scene.top);
        let mut uses: BTreeMap<(By, RepoPath), Use> = BTreeMap::new();
        let (mut written, mut produced, mut overwritten) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for touch in touches {
            for path in links.walk(&touch.path) {
                if scene.outputs.iter().any(|output| path.starts_with(output)) {
                    if let (By::Run, Ok(inside)) = (touch.by, path.strip_prefix(scene.target)) {
                        let set = if touch.how == How::Written { &mut overwritten } else { &mut produced };
                        set.insert(inside.to_owned());
                    }
                    continue;
                }
                let path = scene.seen_from_root(&path);
                if touch.how == How::Written {
                    written.insert(path);
                    continue;
                }
                let used = uses.entry((touch.by, path)).or_default();
                match touch.how {
                    How::Listed => used.listed = true,
                    How::Absent => used.absent = true,
                    How::Found => used.found = true,
                    How::Read | How::Written => used.read = true,
                }
            }
        }
        produced.retain(|path| !overwritten.contains(path) && scene.target.join(path).is_file());
        let mut inputs = Self { produced, ..Self::default() };
        for ((by, path), used) in uses {
            let reads = match by {
                By::Cargo if scene.governs(&path, used) => &mut inputs.governed_by,
                By::Cargo => continue,
                By::Build => &mut inputs.built_from,
                By::Run => &mut inputs.run_on,
            };
            if let Some((path, seen)) = scene.see(path, used, &written) {
                reads.insert(path, seen);
            }
        }
        // Compiled as well: then it says nothing more.
        let Self { governed_by, built_from, .. } = &mut inputs;
        governed_by.retain(|path, seen| *seen != Seen::Present || !built_from.contains_key(path));
        inputs
    }
}

impl Scene<'_> {
    fn seen_from_root(&self, path: &Path) -> RepoPath {
        match (RepoPath::relative(self.root, path), path.strip_prefix(self.top)) {
            (Some(inside), _) => inside,
            (None, Ok(beside)) => RepoPath::new([b"../", beside.as_os_str().as_bytes()].concat()),
            (None, Err(_)) => RepoPath::new(path.as_os_str().as_bytes()),
        }
    }

    /// What is at a path; nothing where that is no input.
    fn see(&self, path: RepoPath, used: Use, written: &BTreeSet<RepoPath>) -> Option<(RepoPath, Seen)> {
        if let Some(history) = history_of(&path) {
            return Some((history, Seen::Untracked(CHANGED.to_owned())));
        }
        let only_found = used.found && !(used.read || used.listed);
        if only_found && self.tree.get(&path).is_some() {
            return Some((path, Seen::Present));
        }
        if self.tree.has(&path) || self.tree.submodule(&path).is_some() {
            let seen = Seen::at(&path, used.listed, self.tree, &|_| None);
            return Some((path, seen));
        }
        let file = self.root.join(path.to_path_buf());
        let metadata = std::fs::symlink_metadata(&file).ok().filter(|metadata| !metadata.is_dir());
        let Some(metadata) = metadata else {
            // What the run made and took away again was not looked for.
            return (used.absent || !written.contains(&path)).then_some((path, Seen::Absent));
        };
        let its_own = written.contains(&path) && self.is_new(&metadata);
        if its_own {
            return used.absent.then_some((path, Seen::Absent));
        }
        if only_found {
            return Some((path, Seen::Present));
        }
        let changed = written.contains(&path) || metadata.modified().is_ok_and(|modified| modified >= self.began);
        let digest = if changed { None } else { sha256(&file).ok() };
        Some((path, Seen::Untracked(digest.unwrap_or_else(|| CHANGED.to_owned()))))
    }

    fn is_new(&self, metadata: &Metadata) -> bool {
        metadata.created().is_ok_and(|created| created >= self.began)
    }

    /// Whether what cargo saw there can decide what is built: manifests, the lock file, configuration, and the folders in
    /// which it looks for targets; of members that were not built, only the manifest.
    fn governs(&self, path: &RepoPath, used: Use) -> bool {
        let owner = self.members.iter().filter(|(folder, _)| path.below(folder.as_bytes()).is_some());
        let built = owner.max_by_key(|(folder, _)| folder.as_bytes().len()).is_none_or(|(_, built)| *built);
        let is_looked_up = used.listed || used.absent || used.found;
        history_of(path).is_none() && (is_governing_name(path) || (is_looked_up && built))
    }
}

/// The work tree's `.git`, where the path is in it, or in that of a work tree below.
fn history_of(path: &RepoPath) -> Option<RepoPath> {
    let bytes = path.as_bytes();
    let mut end = 0;
    for part in bytes.split(|byte| *byte == b'/') {
        end += part.len();
        if part == HISTORY.as_bytes() {
            return Some(RepoPath::new(&bytes[..end]));
        }
        end += 1;
    }
    None
}

fn is_governing_name(path: &RepoPath) -> bool {
    let (name, folder) = path.name_and_folder();
    matches!(name, b"Cargo.toml" | b"Cargo.lock" | b"rust-toolchain" | b"rust-toolchain.toml")
        || matches!(folder, b".cargo" | b".config")
}

#[cfg(test)]
mod tests;
