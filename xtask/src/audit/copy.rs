//! A copy of the repository that can be broken: a work tree of its own, with a folder of its own to build in.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use xshell::{Shell, cmd};

use super::{sabotage::Sabotage, tally::Outcome};
use crate::{
    affected::{
        path::RepoPath,
        render::json::{Document, PlannedState},
    },
    itself,
    step::Steps,
};

/// The longest that a job may take here, whatever its own limit.
const JOB_LIMIT: Duration = Duration::from_secs(3600);

/// The copy; gone when dropped.
pub struct Copy {
    shell: Shell,
    /// This program: the planner and the runner of jobs.
    itself: PathBuf,
    records: Option<PathBuf>,
    of: PathBuf,
    folder: TempDir,
}

/// What the plan says of a change.
pub struct Plan {
    /// Jobs that it leaves out.
    pub left_out: Vec<String>,
    /// How many it keeps.
    pub kept: usize,
}

impl Copy {
    /// Copies the repository at `of` as it was committed; `records` of earlier runs are taken from there.
    ///
    /// # Errors
    /// Git failed, or there is no room.
    pub fn make(of: &Path, target: &Path, records: Option<PathBuf>) -> Result<Self> {
        let itself = itself::path()?;
        let folder = tempfile::Builder::new().prefix("audit-").tempdir_in(target)?;
        let tree = folder.path().join("tree");
        let shell = Shell::new()?;
        shell.set_var("CARGO_TARGET_DIR", target.join("audit"));
        shell.change_dir(of);
        cmd!(shell, "git worktree add --quiet --detach {tree} HEAD").quiet().run()?;
        shell.change_dir(&tree);
        Ok(Self { shell, itself, records, of: of.to_owned(), folder })
    }

    /// Everything as it is in that commit.
    ///
    /// # Errors
    /// Git failed.
    pub fn at(&self, commit: &str) -> Result<()> {
        let shell = &self.shell;
        cmd!(shell, "git checkout --quiet --force --detach {commit}").quiet().run()?;
        cmd!(shell, "git clean --quiet --force -d").quiet().run()?;
        Ok(())
    }

    /// What a file holds.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn contents(&self, path: &RepoPath) -> Result<Vec<u8>> {
        fs::read(self.place(path)).with_context(|| format!("cannot read {path}"))
    }

    /// Breaks a file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn breaks(&self, path: &RepoPath, sabotage: &Sabotage) -> Result<()> {
        match sabotage {
            Sabotage::Broken(contents) => fs::write(self.place(path), contents)?,
            Sabotage::Gone => fs::remove_file(self.place(path))?,
        }
        Ok(())
    }

    /// What the planner says of all that differs from `base`.
    ///
    /// # Errors
    /// It makes no plan: then nothing is left out.
    pub fn plan(&self, base: &str) -> Result<Plan> {
        let (shell, itself) = (&self.shell, &self.itself);
        let records = match &self.records {
            Some(folder) => vec!["--records".into(), folder.clone().into_os_string()],
            None => vec!["--no-records".into()],
        };
        let command = cmd!(shell, "{itself} affected-tests --base {base} --format json {records...}");
        let output = command.quiet().ignore_status().output()?;
        if !output.status.success() {
            bail!("no plan: {}", String::from_utf8_lossy(output.stderr.trim_ascii()));
        }
        let document = Document::parse(&String::from_utf8(output.stdout)?)?;
        let kept = document.jobs.iter().filter(|job| job.state == PlannedState::Run).count();
        let left_out = document.jobs.into_iter().filter(|job| job.state != PlannedState::Run);
        Ok(Plan { left_out: left_out.map(|job| job.name).collect(), kept })
    }

    /// Runs a job as `cargo xtask test` does.
    ///
    /// # Errors
    /// It cannot be started, or somebody asked to stop.
    pub fn run(&self, steps: &Steps, title: &str, job: &str) -> Result<Outcome> {
        let (shell, itself) = (&self.shell, &self.itself);
        let ran = steps.run(title, cmd!(shell, "{itself} test --plain {job}"), JOB_LIMIT)?;
        Ok(if ran.success { Outcome::Passed } else { Outcome::Missed })
    }

    fn place(&self, path: &RepoPath) -> PathBuf {
        self.folder.path().join("tree").join(path.to_path_buf())
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let tree = self.folder.path().join("tree");
        self.shell.change_dir(&self.of);
        let shell = &self.shell;
        // What is left of it is found and removed by git's own housekeeping.
        let _pruned_later =
            cmd!(shell, "git worktree remove --force {tree}").quiet().ignore_status().ignore_stderr().run();
    }
}
