//! Reads both shapes: head from the work tree, base from a skeleton of it (its manifests, and an empty file for each
//! source file, since cargo finds targets by their files). Nothing is checked out and no package is needed.

use std::{
    collections::BTreeSet,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use xshell::{Shell, cmd};

use super::{
    compare::{Difference, compare},
    parse::{Shape, Texts},
    place::{Compared, Manifests, place},
};
use crate::affected::{
    cargo::Cargo,
    changes::{Base, Changes, Found},
    git::{Git, is_manifest},
    path::RepoPath,
};

/// Compares manifests and lock files of the bases with those of the work tree, if any of them changed. `changes` are
/// seen from the workspace.
#[must_use]
pub fn manifests(git: &Git, cargo: &Cargo, changes: &Changes) -> Manifests {
    let Found::Paths { paths, .. } = &changes.found else { return Manifests::Untouched };
    let changed: BTreeSet<RepoPath> = paths.iter().filter(|path| is_manifest(path)).cloned().collect();
    if changed.is_empty() {
        return Manifests::Untouched;
    }
    match compared(git, cargo, changes, &changed) {
        Ok(compared) => Manifests::Compared(compared),
        Err(error) => Manifests::Unknown(one_line(&format!("{error:#}"))),
    }
}

fn compared(git: &Git, cargo: &Cargo, changes: &Changes, changed: &BTreeSet<RepoPath>) -> Result<Compared> {
    let top = git.top().canonicalize()?;
    let root = cargo.root.canonicalize()?;
    let below = root.strip_prefix(&top).context("the workspace is not in this work tree")?;
    let (head, bases) = std::thread::scope(|scope| {
        let head = scope.spawn(|| shape(&root).context("the manifests here cannot be compared"));
        let bases: Result<Vec<Shape>> = changes.bases.iter().map(|base| at(git, base, below)).collect();
        (head.join().expect("reading manifests does not panic"), bases)
    });
    let head = head?;
    let mut difference = Difference::default();
    for base in bases? {
        difference.extend(compare(&base, &head));
    }
    Ok(place(&difference, changed, &cargo.workspace, &head.lock, &|key| cargo.locked(key)))
}

/// The shape of the workspace in the folder `below` of a tree that git has.
fn at(git: &Git, base: &Base, below: &Path) -> Result<Shape> {
    let temporary = tempfile::tempdir().context("no folder for the manifests of the base")?;
    let folder = temporary.path().canonicalize()?;
    git.skeleton(base, &folder).context("the manifests of the base cannot be read")?;
    shape(&folder.join(below)).context("the manifests of the base cannot be compared")
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
