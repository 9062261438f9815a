//! A workspace to do anything to, and the way back: a copy of its tree and of each job's build, with their times.
//!
//! Cargo goes by times of change. So the tree is put back by copying all of it from the kept one, times included, and a
//! job's target folder is put back once it was written to.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};

use anyhow::{Context, Result};

use super::{
    programs::Programs,
    tree::{Node, Tree, put},
    workspace::{
        SUBMODULE,
        design::{Design, Reading},
        files,
    },
};
use crate::affected::{cargo::Cargo, jobs::JOBS_FILE};

const COPY_LIMIT: Duration = Duration::from_secs(300);
/// Files count as unchanged when size and time of change are the same: copies have other inodes.
const GIT_SETTINGS: [(&str, &str); 4] =
    [("core.checkStat", "minimal"), ("core.trustctime", "false"), ("gc.auto", "0"), ("commit.gpgsign", "false")];

/// Where cases happen.
pub(super) struct Sandbox<'a> {
    root: PathBuf,
    pub(super) programs: &'a Programs,
    written: Mutex<BTreeSet<String>>,
}

impl<'a> Sandbox<'a> {
    /// A sandbox in the empty folder `root`, without a tree.
    pub(super) fn new(root: &Path, programs: &'a Programs) -> Result<Self> {
        let root = root.canonicalize().with_context(|| format!("cannot use {}", root.display()))?;
        fs::create_dir_all(root.join("kept/targets"))?;
        fs::create_dir_all(root.join("targets"))?;
        fs::create_dir_all(root.join("aside-of-tools"))?;
        Ok(Self { root, programs, written: Mutex::default() })
    }

    /// The work tree.
    pub(super) fn tree(&self) -> PathBuf {
        self.root.join("tree")
    }

    /// The work tree as it was at the base.
    pub(super) fn kept_tree(&self) -> PathBuf {
        self.root.join("kept/tree")
    }

    /// A folder for whatever else is needed.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// A folder for what tools keep of the base.
    pub(super) fn aside(&self) -> PathBuf {
        self.root.join("aside-of-tools")
    }

    /// Where a job builds.
    pub(super) fn target(&self, job: &str) -> PathBuf {
        self.root.join("targets").join(job)
    }

    /// Writes a design, locks it, and commits it on `main`; `work` is checked out.
    pub(super) fn plant(&self, design: &Design, toolchain: Option<&str>) -> Result<()> {
        if design.has(Reading::RunSubmodule) {
            let module = self.tree().join(SUBMODULE);
            let mut tree = Tree::default();
            tree.file("number.txt", "41\n");
            tree.write(&module)?;
            self.commit_all(&module, true)?;
        }
        self.plant_tree(&files(design, toolchain))
    }

    /// The same with given files.
    pub(super) fn plant_tree(&self, tree: &Tree) -> Result<()> {
        tree.write(&self.tree())?;
        let mut lock = self.programs.command("cargo", &self.tree())?;
        lock.args(["generate-lockfile", "--offline", "--quiet"]);
        self.programs.must(lock, COPY_LIMIT)?;
        self.commit_all(&self.tree(), true)?;
        self.programs.git(&self.tree(), &["switch", "--quiet", "-c", "work"]).map(drop)
    }

    /// Takes a clone of what is committed in a checkout: `main` is the base, `work` is checked out. Without a job table,
    /// each member is a job.
    pub(super) fn adopt(&self, checkout: &Path) -> Result<()> {
        let checkout = checkout.canonicalize().with_context(|| format!("no checkout at {}", checkout.display()))?;
        let tree = self.tree();
        let mut clone = self.programs.command("git", &self.root)?;
        clone.args(["clone", "--quiet"]).arg(&checkout).arg(&tree);
        self.programs.must(clone, COPY_LIMIT)?;
        if !tree.join(JOBS_FILE).exists() {
            put(&tree.join(JOBS_FILE), &Node::File { bytes: job_for_each(&tree)?.into(), executable: false })?;
        }
        self.programs.git(&tree, &["checkout", "--quiet", "-B", "main"])?;
        for (key, value) in GIT_SETTINGS {
            self.programs.git(&tree, &["config", key, value])?;
        }
        self.commit_all(&tree, false)?;
        self.programs.git(&tree, &["switch", "--quiet", "-c", "work"]).map(drop)
    }

    /// Commits all there is below `directory`, if that is anything new.
    pub(super) fn commit_all(&self, directory: &Path, new: bool) -> Result<()> {
        if new {
            self.programs.git(directory, &["init", "--quiet", "-b", "main"])?;
            for (key, value) in GIT_SETTINGS {
                self.programs.git(directory, &["config", key, value])?;
            }
        }
        self.programs.git(directory, &["add", "--all"])?;
        self.programs.git(directory, &["commit", "--quiet", "--allow-empty", "--message", "A commit."]).map(drop)
    }

    /// Commits what the work tree has, inside the submodule too.
    pub(super) fn commit_everything(&self) -> Result<()> {
        let module = self.tree().join(SUBMODULE);
        if module.join(".git").exists() && !self.programs.git(&module, &["status", "--porcelain"])?.is_empty() {
            self.commit_all(&module, false)?;
        }
        self.commit_all(&self.tree(), false)
    }

    /// Keeps tree and targets as they are now: this is what [`Self::reset`] comes back to.
    pub(super) fn keep(&self) -> Result<()> {
        self.copy(&self.tree(), &self.kept_tree())?;
        self.copy(&self.root.join("targets"), &self.root.join("kept/targets"))?;
        self.lock_written().clear();
        Ok(())
    }

    /// Puts the tree back.
    pub(super) fn reset(&self) -> Result<()> {
        self.copy(&self.kept_tree(), &self.tree())
    }

    /// Says that a job's target folder may have changed.
    pub(super) fn written(&self, job: &str) {
        self.lock_written().insert(job.to_owned());
    }

    /// Puts a job's target folder back, if it was written to.
    pub(super) fn reset_target(&self, job: &str) -> Result<()> {
        if self.lock_written().remove(job) {
            self.copy(&self.root.join("kept/targets").join(job), &self.target(job))?;
        }
        Ok(())
    }

    /// Empties a job's target folder, for a build from nothing.
    pub(super) fn empty_target(&self, job: &str) -> Result<()> {
        self.written(job);
        let target = self.target(job);
        if target.exists() {
            fs::remove_dir_all(&target).with_context(|| format!("cannot remove {}", target.display()))?;
        }
        Ok(())
    }

    fn lock_written(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.written.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        if to.symlink_metadata().is_ok() {
            fs::remove_dir_all(to).with_context(|| format!("cannot remove {}", to.display()))?;
        }
        let mut copy = self.programs.command("cp", &self.root)?;
        copy.args(["-a", "--reflink=auto"]).arg(from).arg(to);
        self.programs.must(copy, COPY_LIMIT).map(drop)
    }
}

/// A job table in which each member is a job.
fn job_for_each(tree: &Path) -> Result<String> {
    let cargo = Cargo::read(tree)?;
    let names: Vec<&str> = cargo.workspace.members().map(|(_, package)| package.name.as_str()).collect();
    let first = names.first().context("the checkout has no package")?;
    let jobs = names.iter().map(|name| format!("\n[[job]]\nname = \"{name}\"\npackages = [\"{name}\"]\n"));
    Ok(format!("default-gate = \"{first}\"\n") + &jobs.collect::<String>())
}
