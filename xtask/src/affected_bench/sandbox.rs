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
    tree::Tree,
    workspace::{
        SUBMODULE,
        design::{Design, Reading},
        files,
    },
};

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
        Ok(Self { root, programs, written: Mutex::default() })
    }

    /// The work tree.
    pub(super) fn tree(&self) -> PathBuf {
        self.root.join("tree")
    }

    /// A folder for whatever else is needed.
    pub(super) fn root(&self) -> &Path {
        &self.root
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

    /// Makes a clone that is already here look like one that was planted: `main` is the base, `work` is checked out.
    pub(super) fn adopted(&self) -> Result<()> {
        let tree = self.tree();
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

    /// Keeps tree and targets as they are now: this is what [`Self::reset`] comes back to.
    pub(super) fn keep(&self) -> Result<()> {
        self.copy(&self.tree(), &self.root.join("kept/tree"))?;
        self.copy(&self.root.join("targets"), &self.root.join("kept/targets"))?;
        self.lock_written().clear();
        Ok(())
    }

    /// Puts the tree back.
    pub(super) fn reset(&self) -> Result<()> {
        self.copy(&self.root.join("kept/tree"), &self.tree())
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
