//! The command line of `evidence`.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use xshell::Shell;

use super::{
    facts::Surroundings,
    recorder::{Outcome, Recorder, work_tree},
    show::{Present, Shown},
    store::{DEFAULT, KEPT, Store},
    untracked,
};
use crate::{
    affected::{
        cargo::Cargo,
        git::Git,
        jobs::{Job, JobTable},
    },
    step::Steps,
    stop::Stop,
    terminal,
    test::runner::Runner,
};

/// Records what jobs really read, and shows and keeps those records
///
/// A record tells what one run of a job read when it was built and when its tests ran: files, listed folders, and what
/// was looked for in vain. affected-tests leaves a job out for a change of what it does not read, and, where a job's team
/// wants that, after a run on the same inputs that passed.
///
/// Records are files, JOB/ID.json. Copy them from any number of machines into one folder, or `merge` folders.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cargo xtask evidence record                  all jobs, on the main branch and after each merge
  cargo xtask evidence record common           one job
  cargo xtask evidence show                    what there is, and whether it fits the work tree
  cargo xtask evidence merge artifacts/*       what other machines recorded

Exit status:
  0  done, and each recorded job passed
  1  a job failed, ran no test, or the tree changed while it ran
  2  wrong use, or not possible here: no such job, no strace, a folder that cannot be written")]
pub struct Evidence {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Builds and runs jobs under strace, and keeps what they read
    ///
    /// Each job is built in target/evidence: crates from elsewhere once, packages of this tree anew each time. A job
    /// that fails has a record too, but that proves nothing. Of a run during which the tree changed, or that was ended at its limit,
    /// none is kept.
    Record(RecordArguments),
    /// Shows the records, and whether the work tree is as they saw it
    Show(ShowArguments),
    /// Adds the records of other folders to this one
    Merge(MergeArguments),
    /// Removes old records
    Prune(PruneArguments),
}

#[derive(Args, Debug)]
struct RecordArguments {
    /// Jobs of ci/jobs.toml [default: all]
    #[arg(value_name = "JOB")]
    jobs: Vec<String>,
    #[command(flatten)]
    records: Folder,
    /// Plain lines instead of a line that moves
    #[arg(long, env = "CI", value_parser = clap::builder::FalseyValueParser::new(), hide_env = true)]
    plain: bool,
}

#[derive(Args, Debug)]
struct ShowArguments {
    /// Only this job's
    job: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    records: Folder,
}

#[derive(Args, Debug)]
struct MergeArguments {
    /// The folders to take records from
    #[arg(value_name = "DIR", required = true)]
    from: Vec<PathBuf>,
    #[command(flatten)]
    records: Folder,
}

#[derive(Args, Debug)]
struct PruneArguments {
    /// How many of each job stay; the newest that passed stays besides
    #[arg(long, value_name = "COUNT", default_value_t = KEPT)]
    keep: usize,
    #[command(flatten)]
    records: Folder,
}

/// Where the records are.
#[derive(Args, Debug)]
struct Folder {
    /// The folder of the records [default: target/affected/records]
    #[arg(long, value_name = "DIR")]
    records: Option<PathBuf>,
}

/// How records are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table for people
    Text,
    /// One document for programs
    Json,
}

impl Evidence {
    /// Does what was asked for in the workspace around `directory`; whether all of it went well.
    ///
    /// # Errors
    /// It could not be begun, or not be ended.
    pub fn run(&self, directory: &Path) -> Result<bool> {
        let cargo = Cargo::read(directory)?;
        let store = |folder: &Folder| match &folder.records {
            Some(folder) => Store::at(directory.join(folder)),
            None => Store::at(cargo.target.join(DEFAULT)),
        };
        match &self.action {
            Action::Record(arguments) => record(directory, &cargo, arguments, &store(&arguments.records)),
            Action::Show(arguments) => show(directory, &cargo, arguments, &store(&arguments.records)),
            Action::Merge(arguments) => merge(directory, arguments, &store(&arguments.records)),
            Action::Prune(arguments) => {
                let removed = store(&arguments.records).prune(arguments.keep)?;
                terminal::print(&format!("{removed} removed\n"));
                Ok(true)
            }
        }
    }
}

fn record(directory: &Path, cargo: &Cargo, arguments: &RecordArguments, store: &Store) -> Result<bool> {
    let git = Git::open(directory)?;
    let table = JobTable::read(&cargo.root, &cargo.workspace)?;
    let jobs = chosen(&table, &arguments.jobs)?;
    let plain = arguments.plain || !std::io::stderr().is_terminal();
    let steps = Steps::new(cargo.target.join("evidence-logs"), plain, Stop::on_signals()?)?;
    let runner = Runner::prepare(cargo, steps, &jobs)?;
    let recorder = Recorder::new((cargo, &table), &git, &runner, store)?;
    let mut all_well = true;
    for job in jobs {
        match recorder.record(job)? {
            Outcome::Kept { id, record } => {
                let paths = record.governed_by.len() + record.built_from.len() + record.run_on.len();
                let (file, tests) = (format!("{}/{id}.json", job.name), record.tests);
                runner.steps.note(&format!("{tests} tests, {paths} paths, {file}"));
                if !record.passed {
                    runner.steps.note(&format!("{} did not pass: its record proves nothing", job.name));
                }
                all_well &= record.passed;
            }
            Outcome::Void(path) => {
                runner.steps.note(&format!("{} is not recorded: {path} changed while it ran", job.name));
                all_well = false;
            }
            Outcome::CutShort => {
                runner.steps.note(&format!("{} is not recorded: it was ended before its end", job.name));
                all_well = false;
            }
        }
    }
    Ok(all_well)
}

/// The jobs of these names, in the order of the table; all if there are none.
fn chosen<'t>(table: &'t JobTable, names: &[String]) -> Result<Vec<&'t Job>> {
    for name in names {
        if table.job(name).is_none() {
            let all: Vec<&str> = table.jobs.iter().map(|job| job.name.as_str()).collect();
            bail!("no job `{name}`; there are {}", all.join(", "));
        }
    }
    Ok(table.jobs.iter().filter(|job| names.is_empty() || names.contains(&job.name)).collect())
}

fn show(directory: &Path, cargo: &Cargo, arguments: &ShowArguments, store: &Store) -> Result<bool> {
    let git = Git::open(directory)?;
    let table = JobTable::read(&cargo.root, &cargo.workspace)?;
    let contents = store.read(arguments.job.as_deref())?;
    if let Some(job) = &arguments.job
        && !contents.jobs.contains_key(job)
    {
        chosen(&table, std::slice::from_ref(job))?;
    }
    let shell = Shell::new()?;
    shell.change_dir(&cargo.root);
    let shown = Shown::of(
        &contents,
        &Present {
            tree: &work_tree(&git, &cargo.root)?,
            untracked: &untracked::below(&cargo.root),
            workspace: &cargo.workspace,
            table: &table,
            surroundings: &Surroundings::here(&shell)?,
            now: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
        },
    );
    warn(shown.warnings());
    match arguments.format {
        Format::Text => terminal::print(&shown.text()),
        Format::Json => terminal::print_exact(shown.json()?.as_bytes())?,
    }
    Ok(true)
}

fn merge(directory: &Path, arguments: &MergeArguments, store: &Store) -> Result<bool> {
    let (mut new, mut known) = (0, 0);
    for folder in &arguments.from {
        let merged = store.merge(&Store::at(directory.join(folder)))?;
        warn(&merged.warnings);
        (new, known) = (new + merged.new, known + merged.known);
    }
    let removed = store.prune(KEPT)?;
    terminal::print(&format!("{new} new, {known} known, {removed} older ones removed\n"));
    Ok(true)
}

fn warn(lines: &[String]) {
    for line in lines {
        terminal::complain(&format!("warning: {line}\n"));
    }
}
