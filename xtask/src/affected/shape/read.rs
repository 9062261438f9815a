//! Reads both shapes: head from what cargo says of the work tree anyway, base from a skeleton of it (its manifests, and an
//! empty file for each source file, since cargo finds targets by their files). Nothing is checked out and no package is
//! needed.

use std::{
    borrow::Cow,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, anyhow, bail};
use tempfile::TempDir;
use xshell::{Shell, cmd};

use super::{
    compare::{Difference, compare},
    parse::{Shape, members},
    place::{Compared, Manifests, place},
};
use crate::affected::{
    cargo::Cargo,
    changes::{self, Base, Changes},
    fingerprint::Fingerprint,
    git::{Git, is_manifest},
    kept::{Kept, Parts},
    path::RepoPath,
};

/// What shapes are kept as, and what came of comparing two of them.
const KIND: &str = "shape";
const PLACED: &str = "manifests";

/// What the changed manifests and lock files came to, or what that is found from.
pub struct Shapes(Option<Found>);

enum Found {
    /// Worked out before, from the same manifests on both sides.
    Known(Compared),
    /// To be compared with the work tree's, and to be kept under this digest.
    New { bases: Result<Vec<Shape>>, digest: Option<String> },
}

/// What answers of cargo are kept under; see [`Fingerprint`].
pub struct Keeping<'k> {
    /// Where they are kept.
    pub kept: &'k Kept,
    /// This machine's part of every digest; `None`: nothing is kept.
    pub here: Option<&'k Fingerprint>,
    /// The digest of the work tree, where it is known.
    pub work_tree: Option<&'k str>,
}

impl Shapes {
    /// Reads the manifests and lock files of the bases, where the workspace's root is `root`, if one of them changed. Paths
    /// of `changes` are relative to the work tree's root.
    pub fn read(git: &Git, root: &Path, changes: &Changes, keeping: &Keeping<'_>) -> Self {
        let paths = changed_manifests(changes);
        if paths.is_empty() {
            return Self(None);
        }
        let digest = keeping.work_tree.and_then(|work_tree| digest(work_tree, &changes.bases, &paths));
        let known = digest.as_ref().and_then(|digest| keeping.kept.get(PLACED, digest));
        Self(Some(match known {
            Some(compared) => Found::Known(compared),
            None => Found::New { bases: bases(git, root, &changes.bases, keeping), digest },
        }))
    }

    /// The shape of the work tree below `root`, if it is to be compared. `told` is what cargo says of it, where it was asked.
    #[must_use]
    pub fn head(&self, root: &Path, told: Option<&str>) -> Option<Result<Shape>> {
        let Some(Found::New { bases: Ok(_), .. }) = &self.0 else { return None };
        let told = told.map_or_else(|| tell(root).map(Cow::Owned), |told| Ok(Cow::Borrowed(told)));
        Some(told.and_then(|told| shape(root, &told)).context("the manifests here cannot be compared"))
    }

    /// What the changed manifests did to the packages; `changes` are seen from the workspace.
    #[must_use]
    pub fn placed(
        self,
        head: Option<Result<Shape>>,
        cargo: &Cargo,
        changes: &Changes,
        keeping: &Keeping<'_>,
    ) -> Manifests {
        let (bases, digest) = match self.0 {
            None => return Manifests::Untouched,
            Some(Found::Known(compared)) => return Manifests::Compared(compared),
            Some(Found::New { bases, digest }) => (bases, digest),
        };
        let head = head.unwrap_or_else(|| Err(anyhow!("there is nothing to compare them with")));
        let (bases, head) = match bases.and_then(|bases| Ok((bases, head?))) {
            Ok(both) => both,
            Err(error) => return Manifests::Unknown(one_line(&format!("{error:#}"))),
        };
        let mut difference = Difference::default();
        for base in &bases {
            difference.extend(compare(base, &head));
        }
        let changed = changed_manifests(changes).into_iter().cloned().collect();
        let compared = place(&difference, &changed, &cargo.workspace, &head.lock, &|key| cargo.locked(key));
        if let Some(digest) = digest {
            keeping.kept.put(PLACED, &digest, &compared);
        }
        Manifests::Compared(compared)
    }
}

fn changed_manifests(changes: &Changes) -> Vec<&RepoPath> {
    let paths = if let changes::Found::Paths { paths, .. } = &changes.found { Some(paths) } else { None };
    paths.into_iter().flatten().filter(|path| is_manifest(path)).collect()
}

/// Of both sides and of what changed between them; none where a side has no name to go by.
fn digest(work_tree: &str, bases: &[Base], paths: &[&RepoPath]) -> Option<String> {
    let mut parts = Parts::default();
    parts.add(work_tree);
    for base in bases {
        match base {
            Base::Commit(id) => parts.add(id),
            Base::Index => return None,
        }
    }
    paths.iter().for_each(|path| parts.add(path.as_bytes()));
    Some(parts.digest())
}

fn bases(git: &Git, root: &Path, bases: &[Base], keeping: &Keeping<'_>) -> Result<Vec<Shape>> {
    let (top, root) = (git.top().canonicalize()?, root.canonicalize()?);
    let below = root.strip_prefix(&top).context("the workspace is not in this work tree")?;
    bases.iter().map(|base| at(git, base, below, keeping)).collect()
}

/// The shape of the workspace in the folder `below` of a tree that git has.
fn at(git: &Git, base: &Base, below: &Path, keeping: &Keeping<'_>) -> Result<Shape> {
    let tree = git.tree(base)?;
    let read = || {
        let temporary = quick_folder().context("no folder for the manifests of the base")?;
        let folder = temporary.path().canonicalize()?;
        git.skeleton(&tree, &folder).context("the manifests of the base cannot be read")?;
        let root = folder.join(below);
        tell(&root).and_then(|told| shape(&root, &told)).context("the manifests of the base cannot be compared")
    };
    match keeping.here {
        Some(here) => keeping.kept.or(KIND, &here.of_tree(&tree), read),
        None => read(),
    }
}

/// A folder in memory, where there is such a place: a skeleton is a thousand small files for a few milliseconds.
fn quick_folder() -> std::io::Result<TempDir> {
    tempfile::tempdir_in("/dev/shm").or_else(|_not_here| tempfile::tempdir())
}

/// What cargo says of the members alone.
fn tell(root: &Path) -> Result<String> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    let told = cmd!(shell, "cargo metadata --format-version 1 --no-deps --frozen").quiet().ignore_status().output()?;
    if !told.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(told.stderr.trim_ascii()));
    }
    String::from_utf8(told.stdout).context("cargo metadata printed no UTF-8")
}

/// The shape of a workspace from what cargo tells of it.
fn shape(root: &Path, told: &str) -> Result<Shape> {
    let root = &root.canonicalize()?;
    let read = |folder: &str, name: &str| {
        let path: PathBuf = root.join(folder).join(name);
        std::fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", Path::new(folder).join(name).display()))
    };
    let place = std::str::from_utf8(root.as_os_str().as_bytes()).context("the workspace's folder is no UTF-8")?;
    Shape::read(&members(told, place)?, place, &read)
}

/// The first line says what, the last why; cargo's paths would differ from run to run.
fn one_line(error: &str) -> String {
    let mut lines = error.lines().map(str::trim).filter(|line| !line.is_empty());
    match (lines.next(), lines.next_back()) {
        (Some(first), Some(last)) => format!("{first} ... {last}"),
        (Some(first), None) => first.to_owned(),
        _ => String::new(),
    }
}
