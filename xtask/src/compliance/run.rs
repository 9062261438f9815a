//! Builds and runs the conformance tests, each with a folder of its own for the results.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use xshell::cmd;

use super::{
    found::{Driver, TARGET},
    judge::Read,
    listed, mutants,
    mutants::Mutant,
    results,
};
use crate::{
    affected::{
        cargo::Cargo,
        jobs::{Job, JobTable},
    },
    ci,
    test::runner::Runner,
};

/// The package of the suite.
pub const SUITE: &str = "ashlar-conformance";
/// As `ashlar_conformance::suite` reads them.
const REPORT: &str = "ASHLAR_CONFORMANCE_REPORT";
const SEED: &str = "ASHLAR_CONFORMANCE_SEED";
/// Below the folder where cargo builds.
const FOLDER: &str = "compliance";
/// What the controls are called.
const CONTROLS: &str = "controls";
/// The test programs of the suite that are no driver's: what must pass, and what must be caught.
const CONTROL_BINARIES: &str = "binary(=memory) + binary(=mutants)";

/// An executable that is given by its path.
#[derive(Clone, Debug)]
pub struct Executable {
    /// The program.
    pub path: PathBuf,
    /// Its configuration file.
    pub config: PathBuf,
    /// The backend, a section of that file.
    pub backend: String,
    /// What it is said to be able to do, in JSON.
    pub claims: Option<PathBuf>,
}

/// Runs tests in one workspace.
pub struct Runs<'a> {
    /// Runs programs.
    pub runner: Runner,
    /// The jobs and labs.
    pub table: &'a JobTable,
    /// What is left to chance.
    pub seed: u64,
    /// Where results go, a folder each.
    pub folder: PathBuf,
}

/// The tests of one test run.
struct Tests<'t> {
    name: &'t str,
    /// The job that says how long it may take and what it needs.
    job: &'t Job,
    filter: String,
}

impl<'a> Runs<'a> {
    /// In that workspace; `packages` are built once, all of them.
    #[must_use]
    pub fn new(cargo: &Cargo, mut runner: Runner, table: &'a JobTable, seed: u64, packages: &[&str]) -> Self {
        runner.narrow_to(packages.iter().copied());
        runner.shell.set_var(SEED, seed.to_string());
        Self { runner, table, seed, folder: cargo.target.join(FOLDER) }
    }

    /// A driver of the workspace.
    ///
    /// # Errors
    /// A program cannot be started, or somebody asked to stop.
    pub fn driver(&self, driver: &Driver) -> Result<Read> {
        let absent = |why: String| Read { name: driver.name.clone(), absent: Some(why), ..Read::default() };
        if !driver.tested {
            return Ok(absent(format!("{} has no test target `{TARGET}`: write tests/{TARGET}.rs", driver.package)));
        }
        let job = self.table.jobs.iter().find(|job| job.brought_by.as_ref() == Some(&driver.package));
        let Some(job) = job else { return Ok(absent(format!("no job of ci/jobs.toml is that of {}", driver.package))) };
        let filter = format!("package(={}) & binary(={TARGET})", driver.package);
        self.tests(&Tests { name: &driver.name, job, filter }).map(|(read, _)| read)
    }

    /// An executable by its path.
    ///
    /// # Errors
    /// A program cannot be started, or somebody asked to stop.
    pub fn executable(&self, executable: &Executable) -> Result<Read> {
        let name = executable.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let shell = &self.runner.shell;
        let absolute = |path: &Path| fs::canonicalize(path).with_context(|| format!("there is no {}", path.display()));
        shell.set_var("ASHLAR_CONFORMANCE_EXECUTABLE", absolute(&executable.path)?);
        shell.set_var("ASHLAR_CONFORMANCE_CONFIG", absolute(&executable.config)?);
        shell.set_var("ASHLAR_CONFORMANCE_BACKEND", &executable.backend);
        if let Some(claims) = &executable.claims {
            shell.set_var("ASHLAR_CONFORMANCE_CLAIMS", absolute(claims)?);
        }
        let filter = format!("package(={SUITE}) & binary(=executable)");
        self.tests(&Tests { name: &name, job: self.suite()?, filter }).map(|(read, _)| read)
    }

    /// The in-memory driver and the drivers that are broken on purpose.
    ///
    /// # Errors
    /// A program cannot be started, or somebody asked to stop.
    pub fn controls(&self) -> Result<(Read, Vec<Mutant>)> {
        let filter = format!("package(={SUITE}) & ({CONTROL_BINARIES})");
        let (read, listed) = self.tests(&Tests { name: CONTROLS, job: self.suite()?, filter })?;
        let report = self.runner.reports().join(format!("{}.xml", title(CONTROLS)));
        let report = fs::read_to_string(report).unwrap_or_default();
        let mutants = mutants::read(&listed, &report)?;
        Ok((read, mutants))
    }

    fn suite(&self) -> Result<&'a Job> {
        let job = self.table.jobs.iter().find(|job| job.packages.iter().any(|package| package == SUITE));
        job.with_context(|| format!("no job of ci/jobs.toml has the package {SUITE}"))
    }

    /// Runs the tests; what came of the cases among them, and all their names.
    fn tests(&self, tests: &Tests<'_>) -> Result<(Read, Vec<String>)> {
        let results = self.folder.join(tests.name);
        clear(&results)?;
        let names = listed::tests(&self.list(tests, &results)?)?;
        let runner = self.runner.clone();
        runner.shell.set_var(REPORT, &results);
        let title = title(tests.name);
        let job = Job {
            command: Job::usual_command(&title),
            name: title,
            filter: tests.filter.clone(),
            proofs: false,
            ..tests.job.clone()
        };
        runner.steps.count_files(Some((results.clone(), names.len())));
        let rows = ci::jobs::run(&runner, &self.table.labs, &[&job], 1);
        runner.steps.count_files(None);
        let ran_well = rows?.iter().all(|row| row.counts.failed == 0);
        let read = Read {
            name: tests.name.to_owned(),
            listed: listed::cases(&names),
            results: results::read(&results)?,
            ran_well,
            absent: None,
        };
        Ok((read, names))
    }

    /// What nextest lists. Programs are asked, so they know of the folder.
    fn list(&self, tests: &Tests<'_>, results: &Path) -> Result<String> {
        let (shell, filter, scope) = (&self.runner.shell, &tests.filter, self.runner.scope());
        let list = cmd!(shell, "cargo nextest list --profile default --message-format json {scope...} -E {filter}");
        let output = list.env(REPORT, results).quiet().ignore_status().output().context("cargo nextest list")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "the tests of {} cannot be listed:\n{said}", tests.name);
        Ok(String::from_utf8(output.stdout)?)
    }
}

/// What the step and its report are called.
fn title(name: &str) -> String {
    format!("compliance-{name}")
}

/// An earlier run's results are no results of this one.
fn clear(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot clear {}", folder.display()));
        }
        _ => {}
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}
