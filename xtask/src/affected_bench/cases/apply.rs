//! Does to a tree what a case says.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, ensure};

use super::{Case, Edit, Place};
use crate::{
    affected::path::RepoPath,
    affected_bench::{
        sandbox::Sandbox,
        tree,
        workspace::{TOO_MUCH, VERSIONS, checksum},
    },
};

const LOCK_LIMIT: Duration = Duration::from_secs(60);

/// Edits the sandbox's tree and tells git, as the case has it. `main` is the base afterwards.
pub(in crate::affected_bench) fn apply(case: &Case, sandbox: &Sandbox<'_>) -> Result<()> {
    let tree = sandbox.tree();
    let git = |arguments: &[&str]| sandbox.programs.git(&tree, arguments).map(drop);
    if case.place == Place::Unrelated {
        git(&["checkout", "--quiet", "--orphan", "other"])?;
    }
    for edit in &case.edits {
        one(edit, &tree, sandbox).with_context(|| format!("cannot {edit}"))?;
    }
    match case.place {
        Place::WorkTree => Ok(()),
        Place::Staged => git(&["add", "--all"]),
        Place::Committed | Place::Unrelated => sandbox.commit_all(&tree, false),
        Place::Detached => sandbox.commit_all(&tree, false).and_then(|()| git(&["checkout", "--quiet", "--detach"])),
        Place::Shallow => {
            sandbox.commit_all(&tree, false)?;
            let head = sandbox.programs.git(&tree, &["rev-parse", "HEAD"])?;
            fs::write(tree.join(".git/shallow"), head).context("cannot cut the history")
        }
        Place::Behind | Place::Merged => {
            sandbox.commit_all(&tree, false)?;
            advance_main(sandbox)?;
            if case.place == Place::Merged { git(&["merge", "--quiet", "--no-edit", "main"]) } else { Ok(()) }
        }
    }
}

/// A commit on `main` that breaks what the change does not touch, made without checking it out: the times of files
/// must not change.
fn advance_main(sandbox: &Sandbox<'_>) -> Result<()> {
    let tree = sandbox.tree();
    let aside = sandbox.root().join("aside");
    let aside_name = aside.to_string_lossy().into_owned();
    sandbox.programs.git(&tree, &["worktree", "add", "--quiet", &aside_name, "main"])?;
    fs::write(aside.join("docs/guide.md"), "# Another guide\n")?;
    fs::write(aside.join("tool/news.txt"), TOO_MUCH)?;
    sandbox.commit_all(&aside, false)?;
    sandbox.programs.git(&tree, &["worktree", "remove", "--force", &aside_name]).map(drop)
}

fn one(edit: &Edit, root: &Path, sandbox: &Sandbox<'_>) -> Result<()> {
    let at = |path: &RepoPath| root.join(path.to_path_buf());
    match edit {
        Edit::Put(path, node) => tree::put(&at(path), node),
        Edit::Replace(path, from, to) => {
            let before = fs::read_to_string(at(path))?;
            ensure!(before.contains(from), "{path} has no {from:?}");
            Ok(fs::write(at(path), before.replacen(from, to, 1))?)
        }
        Edit::Append(path, text) => {
            let before = fs::read(at(path))?;
            Ok(fs::write(at(path), [&before, text.as_bytes()].concat())?)
        }
        Edit::Delete(path) => Ok(fs::remove_file(at(path))?),
        Edit::Rename(from, to) => {
            if let Some(folder) = at(to).parent() {
                fs::create_dir_all(folder)?;
            }
            fs::rename(at(from), at(to))?;
            touch(&at(to))
        }
        Edit::Mode(path, executable) => {
            let mode = if *executable { 0o755 } else { 0o644 };
            Ok(fs::set_permissions(at(path), fs::Permissions::from_mode(mode))?)
        }
        Edit::StepBack(name) => step_back(&root.join("Cargo.lock"), name),
        Edit::Relock => {
            let mut command = sandbox.programs.command("cargo", root)?;
            command.args(["metadata", "--format-version", "1", "--offline", "--quiet"]);
            sandbox.programs.must(command, LOCK_LIMIT).map(drop)
        }
        Edit::CommitInside(path) => sandbox.commit_all(&at(path), false),
    }
}

/// As a check-out would leave it: what came to a new place is new.
fn touch(path: &Path) -> Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            touch(&entry?.path())?;
        }
    } else if !path.is_symlink() {
        fs::File::open(path)?.set_modified(SystemTime::now())?;
    }
    Ok(())
}

fn step_back(lock: &Path, name: &str) -> Result<()> {
    let [(new, _), (old, _)] = VERSIONS;
    let before = fs::read_to_string(lock)?;
    let entry = |version: &str| format!("name = \"{name}\"\nversion = \"{version}\"");
    let after = before.replace(&entry(new), &entry(old)).replace(&checksum(name, new), &checksum(name, old));
    ensure!(after != before, "the lock file has no {name} {new}");
    Ok(fs::write(lock, after)?)
}
