//! Runs lints, the build and single jobs, for `test` and `ci` alike.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use super::{
    junit::{self, Counts},
    nextest,
    summary::Row,
};
use crate::{
    affected::{cargo::Cargo, jobs::Job},
    prerequisites,
    step::Steps,
    venvs,
};

/// The tests that read the whole tree; they belong to no job, since every change is theirs.
pub const TIDY: &str = "package(=xtask) & test(/^tidy::/)";
/// Where the jobs' reports are kept; below the workspace root, wherever cargo builds.
pub const REPORTS: &str = "target/nextest/ci";
/// Where nextest writes them, a folder for each job.
const STORES: &str = "target/nextest/jobs";
const TIDY_MINUTES: u32 = 20;
const LINT_LIMIT: Duration = Duration::from_secs(1800);
/// For everything at once.
pub const BUILD_LIMIT: Duration = Duration::from_secs(3600);
/// The unit of a job's limit.
pub const MINUTE: Duration = Duration::from_secs(60);

/// Runs checks and jobs in one workspace. A clone runs beside it, in another thread.
#[derive(Clone)]
pub struct Runner {
    /// With the environment that all programs get.
    pub shell: Shell,
    /// Shows and logs what runs.
    pub steps: Arc<Steps>,
    /// How many tests of a job run at once; as many as there are processors where it is not said.
    pub test_threads: Option<usize>,
    root: PathBuf,
    target: PathBuf,
    tidy: bool,
    /// Which packages cargo builds.
    scope: Vec<String>,
}

impl Runner {
    /// Installs what is missing on this machine and what `jobs` need besides, each once.
    ///
    /// # Errors
    /// Something is missing for good.
    pub fn prepare(cargo: &Cargo, steps: Steps, jobs: &[&Job]) -> Result<Self> {
        let shell = Shell::new()?;
        shell.change_dir(&cargo.root);
        prerequisites::provide(&steps, &shell)?;
        let mut wanted: Vec<&String> = jobs.iter().flat_map(|job| &job.venvs).collect();
        wanted.sort_unstable();
        wanted.dedup();
        for name in wanted {
            let venv = venvs::provide(&steps, &shell, &cargo.root, &cargo.target, name)?;
            shell.set_var(venvs::variable(name), venv);
        }
        Ok(Self {
            shell,
            steps: Arc::new(steps),
            test_threads: None,
            root: cargo.root.clone(),
            target: cargo.target.clone(),
            tidy: cargo.workspace.member("xtask").is_some(),
            scope: vec!["--workspace".to_owned()],
        })
    }

    /// Where the reports are kept: `JOB.xml`.
    #[must_use]
    pub fn reports(&self) -> PathBuf {
        self.root.join(REPORTS)
    }

    /// Removes what earlier runs reported.
    ///
    /// # Errors
    /// It is not this program's to remove.
    pub fn clear_reports(&self) -> Result<()> {
        let reports = self.reports();
        remove(&reports)?;
        std::fs::create_dir_all(&reports).with_context(|| format!("cannot make {}", reports.display()))
    }

    /// Where cargo puts executables.
    #[must_use]
    pub fn programs(&self) -> PathBuf {
        self.target.join("debug")
    }

    /// Builds no more than these jobs cover: another driver that does not compile is not their failure. One selection
    /// of packages for all steps, so that features are unified once and nothing is built twice.
    pub fn narrow(&mut self, jobs: &[&Job]) {
        self.narrow_to(jobs.iter().flat_map(|job| &job.packages).map(String::as_str));
    }

    /// Builds these packages and no others.
    pub fn narrow_to<'p>(&mut self, packages: impl Iterator<Item = &'p str>) {
        self.scope = packages.flat_map(|package| ["--package", package]).map(str::to_owned).collect();
    }

    /// The words that tell cargo what is built.
    #[must_use]
    pub fn scope(&self) -> &[String] {
        &self.scope
    }

    /// How many steps [`Self::lint`] and [`Self::tidy`] take.
    #[must_use]
    pub fn lints(&self) -> usize {
        self.checks().len() + usize::from(self.tidy)
    }

    /// Formatting, clippy, and licences where the workspace has a `deny.toml`.
    ///
    /// # Errors
    /// A program cannot be started.
    pub fn lint(&self) -> Result<Vec<Row>> {
        let run = |(name, words): (&str, &[&str])| {
            let (shell, title) = (&self.shell, format!("lint: {name}"));
            let ran = self.steps.run(&title, cmd!(shell, "cargo {words...}"), LINT_LIMIT)?;
            Ok(Row::check(&title, ran.success, ran.elapsed))
        };
        self.checks().into_iter().map(run).collect()
    }

    fn checks(&self) -> Vec<(&'static str, &'static [&'static str])> {
        let mut checks: Vec<(&str, &[&str])> = vec![
            ("fmt", &["fmt", "--all", "--check"]),
            ("clippy", &["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]),
        ];
        if self.root.join("deny.toml").exists() {
            // Not `advisories`: their database comes from the network and changes without a commit.
            checks.push(("deny", &["deny", "--log-level", "error", "check", "licenses", "bans", "sources"]));
        }
        checks
    }

    /// The tests that read the whole tree, where the workspace has them; `full` where all of it is built.
    ///
    /// # Errors
    /// A program cannot be started.
    pub fn tidy(&self, full: bool) -> Result<Vec<Row>> {
        if !self.tidy {
            return Ok(Vec::new());
        }
        let mut runner = self.clone();
        if !full {
            runner.scope = vec!["--package".to_owned(), "xtask".to_owned()];
        }
        Ok(vec![runner.filtered("lint: tidy", TIDY, TIDY_MINUTES)?])
    }

    /// Whether all tests compile: else no job can run.
    ///
    /// # Errors
    /// Cargo cannot be started.
    pub fn build(&self) -> Result<bool> {
        let (shell, scope) = (&self.shell, &self.scope);
        // The profile is named, or that of a nextest which called this would be taken.
        let command = cmd!(shell, "cargo nextest run --profile default {scope...} --no-run");
        Ok(self.steps.run("build", command, BUILD_LIMIT)?.success)
    }

    /// Runs a job's tests and keeps their report.
    ///
    /// # Errors
    /// Nextest cannot be started, or its report cannot be kept.
    pub fn job(&self, job: &Job) -> Result<Row> {
        self.filtered(&job.name, &job.filter, job.timeout_minutes)
    }

    fn filtered(&self, name: &str, filter: &str, minutes: u32) -> Result<Row> {
        let file = name.replace(": ", "-");
        let store = self.root.join(STORES).join(&file);
        remove(&store)?;
        std::fs::create_dir_all(&store).with_context(|| format!("cannot make {}", store.display()))?;
        let config = store.join("nextest.toml");
        let own = std::fs::read_to_string(self.root.join(nextest::CONFIG)).unwrap_or_default();
        std::fs::write(&config, nextest::config(&own, &store)?)?;
        let kept = self.reports().join(format!("{file}.xml"));
        remove(&kept)?;
        let (shell, scope, profile) = (&self.shell, &self.scope, nextest::PROFILE);
        let threads = self.test_threads.map(|count| format!("--test-threads={count}"));
        let command = cmd!(shell, "cargo nextest run --config-file {config} --profile {profile}");
        let command = command.args(["--no-tests", "fail"]).args(scope).args(threads).args(["-E", filter]);
        let ran = self.steps.run(name, command, MINUTE * minutes)?;
        let written = store.join(profile).join(nextest::REPORT);
        if written.exists() {
            std::fs::create_dir_all(self.reports())?;
            std::fs::rename(&written, &kept)?;
        }
        let counts = self.counted(name, &kept, ran.success)?;
        Ok(Row::job(name, ran.success, counts, ran.elapsed))
    }

    /// What the report names. A program that failed although no test of its report did, as one that was ended at its
    /// limit, is written into the report: whoever reads only that must not take it for passed.
    pub(crate) fn counted(&self, name: &str, kept: &Path, success: bool) -> Result<Counts> {
        let report = std::fs::read_to_string(kept).unwrap_or_default();
        let counts = junit::count(&report).unwrap_or_default();
        if success && counts == Counts::default() {
            self.steps.note(&format!("{name}: no test ran, or none is in {}", kept.display()));
        }
        if !success && counts.failed == 0 {
            std::fs::create_dir_all(self.reports())?;
            std::fs::write(kept, junit::with_failure(&report, name))?;
        }
        Ok(counts)
    }
}

fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
