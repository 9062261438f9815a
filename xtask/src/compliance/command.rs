//! The command line of `compliance`, and its order: build, run drivers and controls, judge, show.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use super::{
    found,
    json::json,
    judge::{Judgement, Read, judge},
    junit::junit,
    run::{Executable, Runs, SUITE},
    text::text,
};
use crate::{
    affected::{
        cargo::Cargo,
        jobs::{Job, JobTable},
    },
    step::Steps,
    stop::Stop,
    terminal,
    test::runner::Runner,
};

/// Shows whether drivers keep the contract: the conformance suite on real backends, and on the controls
///
/// Finds the drivers in the workspace (every package ashlar-driver-NAME that builds an executable), raises the lab each
/// needs, and runs its test target `conformance`; a driver without one fails. The controls always run: the in-memory
/// driver, which must pass every case, and the drivers that are broken on purpose, each of which must be caught. A case
/// that did not run, or left no result, has failed.
///
/// An executable by path is spoken to over standard input and output (`EXECUTABLE calls --help` tells how) on a backend of
/// its own, which must be empty and have room for 1 GiB at most: the suite fills it, and removes what it made. Volumes are reached as a client reaches them,
/// which is possible for the protocol `local`; others are shown as not run.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cargo xtask compliance                  every driver
  cargo xtask compliance local            one
  cargo xtask compliance --executable ./my-driver --config my.toml --backend fast
  cargo xtask compliance --format json --junit compliance.xml
  cargo xtask compliance local --seed 7   another run of what is left to chance

Exit status:
  0  every case of every asked driver passed or is rightly unsupported, and every broken driver was caught
  1  a case failed, did not run or left no result, or a broken driver was not caught
  2  wrong use: no such driver, a broken workspace, a prerequisite that cannot be installed")]
pub struct Compliance {
    /// Drivers of this workspace, as `local` or `ashlar-driver-local` [default: all, or none beside --executable]
    #[arg(value_name = "DRIVER")]
    drivers: Vec<String>,
    /// A driver's executable that is not of this workspace
    #[arg(long, value_name = "PATH", requires_all = ["config", "backend"])]
    executable: Option<PathBuf>,
    /// The configuration file for --executable
    #[arg(long, value_name = "FILE", requires = "executable")]
    config: Option<PathBuf>,
    /// The backend for --executable, a section of that file; nothing may be on it
    #[arg(long, value_name = "NAME", requires = "executable")]
    backend: Option<String>,
    /// What --executable is said to be able to do, as JSON: what it then cannot do fails [default: what it says]
    #[arg(long, value_name = "FILE", requires = "executable")]
    claims: Option<PathBuf>,
    /// How the judgement is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Also writes the judgement as a JUnit report
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Picks what is left to chance: patterns, sequences, instants
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Plain lines instead of a line that moves
    #[arg(long, env = "CI", value_parser = clap::builder::FalseyValueParser::new(), hide_env = true)]
    plain: bool,
}

/// How the judgement is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables for people
    Text,
    /// One document for programs
    Json,
}

impl Compliance {
    /// Runs and judges in the workspace around `directory`; whether all of it is as it must be.
    ///
    /// # Errors
    /// It could not be begun, or somebody asked to stop.
    pub fn run(&self, directory: &Path) -> Result<bool> {
        let cargo = Cargo::read(directory)?;
        let table = JobTable::read(&cargo.root, &cargo.workspace)?;
        let executable = self.executable();
        let mut drivers = found::chosen(found::drivers(&cargo.root)?, &self.drivers)?;
        if executable.is_some() && self.drivers.is_empty() {
            drivers.clear();
        }
        let packages: Vec<&str> = drivers.iter().map(|driver| driver.package.as_str()).chain([SUITE]).collect();
        let needed: Vec<&Job> =
            table.jobs.iter().filter(|job| job.packages.iter().any(|own| packages.contains(&own.as_str()))).collect();
        let plain = self.plain || !std::io::stderr().is_terminal() || self.format == Format::Json;
        let mut steps = Steps::new(cargo.target.join("test-logs"), plain, Stop::on_signals()?)?;
        if self.format == Format::Json {
            steps = steps.on_standard_error();
        }
        let runner = Runner::prepare(&cargo, steps, &needed)?;
        runner.steps.expect(2 + drivers.len() + usize::from(executable.is_some()));
        let runs = Runs::new(&cargo, runner, &table, self.seed, &packages);
        if !runs.runner.build()? {
            bail!("the tests do not build; the end of cargo's output is above");
        }
        let mut read: Vec<Read> = drivers.iter().map(|driver| runs.driver(driver)).collect::<Result<_>>()?;
        if let Some(executable) = &executable {
            read.push(runs.executable(executable)?);
        }
        let (controls, mutants) = runs.controls()?;
        self.show(&judge(self.seed, &read, &controls, mutants), directory)
    }

    fn executable(&self) -> Option<Executable> {
        let (path, config, backend) = (self.executable.clone()?, self.config.clone()?, self.backend.clone()?);
        Some(Executable { path, config, backend, claims: self.claims.clone() })
    }

    fn show(&self, judgement: &Judgement, directory: &Path) -> Result<bool> {
        if let Some(file) = &self.junit {
            let file = directory.join(file);
            std::fs::write(&file, junit(judgement)).with_context(|| format!("cannot write {}", file.display()))?;
        }
        match self.format {
            Format::Text => terminal::print(&text(judgement)),
            Format::Json => terminal::print_exact(json(judgement)?.as_bytes())?,
        }
        Ok(judgement.passes())
    }
}
