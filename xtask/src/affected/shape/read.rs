//! Reads both shapes: head from the work tree, base from a skeleton of it (its manifests, and an empty file for each
//! source file, since cargo finds targets by their files). Nothing is checked out and no package is needed.

use std::{
    collections::BTreeSet,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use xshell::{Shell, cmd};

use super::{
    compare::{Difference, compare},
    parse::{Shape, Texts},
    place::{Manifests, place},
};
use crate::affected::{
    cargo::Cargo,
    changes::{Base, Changes, Found},
    fingerprint::Fingerprint,
    git::{Git, is_manifest},
    kept::Kept,
    path::RepoPath,
};

/// What shapes are kept as.
const KIND: &str = "shape";

/// The manifests and lock files of both sides, where one of them changed.
pub struct Shapes {
    head: Shape,
    difference: Difference,
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
    /// Compares the manifests and lock files of the bases with those of the work tree, where the workspace's root is
    /// `root`; `None` if none of them changed. Paths of `changes` are relative to the work tree's root.
    pub fn read(git: &Git, root: &Path, changes: &Changes, keeping: &Keeping<'_>) -> Option<Result<Self>> {
        let Found::Paths { paths, .. } = &changes.found else { return None };
        paths.iter().any(is_manifest).then(|| Self::compared(git, root, &changes.bases, keeping))
    }

    fn compared(git: &Git, root: &Path, bases: &[Base], keeping: &Keeping<'_>) -> Result<Self> {
        let top = git.top().canonicalize()?;
        let root = root.canonicalize()?;
        let below = root.strip_prefix(&top).context("the workspace is not in this work tree")?;
        let (head, bases) = std::thread::scope(|scope| {
            let head = scope.spawn(|| {
                let read = || shape(&root).context("the manifests here cannot be compared");
                match keeping.work_tree {
                    Some(digest) => keeping.kept.or(KIND, digest, read),
                    None => read(),
                }
            });
            let bases: Result<Vec<Shape>> = bases.iter().map(|base| at(git, base, below, keeping)).collect();
            (head.join().expect("reading manifests does not panic"), bases)
        });
        let head = head?;
        let mut difference = Difference::default();
        for base in bases? {
            difference.extend(compare(&base, &head));
        }
        Ok(Self { head, difference })
    }

    /// What the changed manifests did to the packages; `paths` are those of the change, seen from the workspace.
    #[must_use]
    pub fn placed(read: Option<Result<Self>>, cargo: &Cargo, paths: &BTreeSet<RepoPath>) -> Manifests {
        match read {
            None => Manifests::Untouched,
            Some(Ok(Self { head, difference })) => {
                let changed = paths.iter().filter(|path| is_manifest(path)).cloned().collect();
                let known = |key: &_| cargo.locked(key);
                Manifests::Compared(place(&difference, &changed, &cargo.workspace, &head.lock, &known))
            }
            Some(Err(error)) => Manifests::Unknown(one_line(&format!("{error:#}"))),
        }
    }
}

/// The shape of the workspace in the folder `below` of a tree that git has.
fn at(git: &Git, base: &Base, below: &Path, keeping: &Keeping<'_>) -> Result<Shape> {
    let tree = git.tree(base)?;
    let read = || {
        let temporary = quick_folder().context("no folder for the manifests of the base")?;
        let folder = temporary.path().canonicalize()?;
        git.skeleton(&tree, &folder).context("the manifests of the base cannot be read")?;
        shape(&folder.join(below)).context("the manifests of the base cannot be compared")
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

fn shape(root: &Path) -> Result<Shape> {
    let root = &root.canonicalize()?;
    let shell = Shell::new()?;
    shell.change_dir(root);
    let told = cmd!(shell, "cargo metadata --format-version 1 --no-deps --frozen").quiet().ignore_status().output()?;
    if !told.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(told.stderr.trim_ascii()));
    }
    let read = |folder: &str, name: &str| {
        let path: PathBuf = root.join(folder).join(name);
        std::fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", Path::new(folder).join(name).display()))
    };
    let place = std::str::from_utf8(root.as_os_str().as_bytes()).context("the workspace's folder is no UTF-8")?;
    let mut texts = Texts {
        root: place.to_owned(),
        metadata: String::from_utf8(told.stdout).context("cargo metadata printed no UTF-8")?,
        lock: read("", "Cargo.lock")?,
        ..Texts::default()
    };
    for folder in texts.members()?.into_keys().chain([String::new()]) {
        let text = read(&folder, "Cargo.toml")?;
        texts.manifests.insert(folder, text);
    }
    texts.parse()
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
