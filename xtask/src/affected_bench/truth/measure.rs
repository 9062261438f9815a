//! Builds and runs the jobs, at the base and after an edit.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use super::{
    changed::Change,
    outcome::Outcome,
    reads::{Hit, Reads},
    units::Units,
};
use crate::{
    affected::{jobs::Job, path::RepoPath},
    affected_bench::sandbox::Sandbox,
    trace,
};

const BUILD_LIMIT: Duration = Duration::from_secs(900);
const RUN_LIMIT: Duration = Duration::from_secs(300);
/// Two jobs at once: cargo itself uses more cores where it can.
const WORKERS: usize = 2;

/// Each job at the base.
pub(in crate::affected_bench) struct Baseline {
    jobs: BTreeMap<String, AtBase>,
}

struct AtBase {
    job: Job,
    units: Units,
    outcome: Outcome,
    reads: Reads,
}

/// Whether a job is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::affected_bench) struct Need {
    /// Why; none where it is not needed.
    pub(in crate::affected_bench) why: Option<String>,
    /// It passed at the base and fails now.
    pub(in crate::affected_bench) turned_red: bool,
    /// It was run though nothing said that it may differ, and it did: the measure itself had missed it.
    pub(in crate::affected_bench) surprise: bool,
}

impl Need {
    /// Not needed, as far as is known.
    pub(in crate::affected_bench) fn none() -> Self {
        Self { why: None, turned_red: false, surprise: false }
    }
}

impl Baseline {
    /// Runs every job from nothing, under a trace, as the tree is now. `must_pass` refuses a base on which a job fails.
    pub(in crate::affected_bench) fn measure(sandbox: &Sandbox<'_>, jobs: &[Job], must_pass: bool) -> Result<Self> {
        let measured = each(jobs, |job| {
            let (outcome, reads) = run_traced(sandbox, job)?;
            if must_pass {
                let red = || outcome.tests.iter().filter(|(_, green)| !**green).map(|(name, _)| name.as_str());
                ensure!(
                    outcome.green,
                    "job {} fails here before any edit: {}",
                    job.name,
                    red().collect::<Vec<_>>().join(", ")
                );
            }
            // A script may have built in its own way; what a build without any work says is what later ones are held to.
            let _first = build(sandbox, job)?;
            let (units, built) = build(sandbox, job)?;
            ensure!(built.is_err() || !units.built_any(), "cargo builds job {} again and again", job.name);
            Ok((job.name.clone(), AtBase { job: job.clone(), units, outcome, reads }))
        })?;
        Ok(Self { jobs: measured.into_iter().collect() })
    }
}

/// Which jobs an edit of the sandbox's tree needs. `sample` says for which jobs a run is wanted even where nothing
/// hints at one.
pub(in crate::affected_bench) fn measure(
    sandbox: &Sandbox<'_>,
    baseline: &Baseline,
    changes: &[Change],
    sample: &(dyn Fn(&str) -> bool + Sync),
) -> Result<BTreeMap<String, Need>> {
    let jobs: Vec<&AtBase> = baseline.jobs.values().collect();
    let needs = each(&jobs, |base| Ok((base.job.name.clone(), need(sandbox, base, changes, sample)?)))?;
    Ok(needs.into_iter().collect())
}

fn need(
    sandbox: &Sandbox<'_>,
    base: &AtBase,
    changes: &[Change],
    sample: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Need> {
    if changes.is_empty() {
        return Ok(Need::none());
    }
    let job = &base.job;
    sandbox.reset_target(&job.name)?;
    let (units, mut built) = build(sandbox, job)?;
    let mut hint = match &built {
        Err(said) => Some(format!("it does not build: {said}")),
        Ok(()) => units.differs_from(&base.units),
    };
    if hint.is_none()
        && let Some(hit) = changes.iter().find_map(|change| hit(sandbox, &base.reads, change))
    {
        if hit.while_building {
            sandbox.empty_target(&job.name)?;
            (_, built) = build(sandbox, job)?;
        }
        hint = Some(hit.why);
    }
    let hinted = hint.is_some();
    if !hinted && !sample(&job.name) {
        return Ok(Need::none());
    }
    sandbox.written(&job.name);
    let outcome = if built.is_ok() { run(sandbox, job)? } else { Outcome::bare(false) };
    let differs = outcome.differs_from(&base.outcome);
    let surprise = !hinted && differs.is_some();
    Ok(Need { turned_red: base.outcome.green && !outcome.green, surprise, why: hint.or(differs) })
}

fn hit(sandbox: &Sandbox<'_>, reads: &Reads, change: &Change) -> Option<Hit> {
    let there = |root: &Path, path: &RepoPath| root.join(path.to_path_buf()).symlink_metadata().is_ok();
    let (before, now) = (sandbox.kept_tree(), sandbox.tree());
    reads.hit(change, |path| there(&before, path), |path| there(&now, path))
}

/// Builds a job's tests. The error is the first of the compiler's or cargo's own.
fn build(sandbox: &Sandbox<'_>, job: &Job) -> Result<(Units, Result<(), String>)> {
    let mut command = cargo(sandbox, job)?;
    command.args(["test", "--no-run", "--message-format", "json"]).args(packages(job));
    let ran = sandbox.programs.run(command, BUILD_LIMIT)?;
    let units = Units::parse(&ran.stdout);
    let said = ran.said();
    let fault = said.lines().find(|line| line.starts_with("error")).unwrap_or("error").to_owned();
    if units.built_any() || !ran.status.success() {
        sandbox.written(&job.name);
    }
    Ok((units, if ran.status.success() { Ok(()) } else { Err(fault) }))
}

fn run(sandbox: &Sandbox<'_>, job: &Job) -> Result<Outcome> {
    let ran = sandbox.programs.run(run_command(sandbox, job)?, RUN_LIMIT)?;
    Ok(outcome(job, ran.status.success(), &ran.stderr))
}

fn run_traced(sandbox: &Sandbox<'_>, job: &Job) -> Result<(Outcome, Reads)> {
    let log = sandbox.root().join(format!("{}.log", job.name));
    let stop = || sandbox.programs.stop.asked();
    let traced = trace::trace_until(run_command(sandbox, job)?, &log, BUILD_LIMIT, stop)?;
    ensure!(!traced.cut_short, "job {} did not end at the base", job.name);
    let said = fs::read(&log).with_context(|| format!("cannot read {}", log.display()))?;
    Ok((outcome(job, traced.status.success(), &said), Reads::new(&sandbox.tree(), &traced.touches)))
}

fn outcome(job: &Job, green: bool, said: &[u8]) -> Outcome {
    if is_written_by_hand(job) { Outcome::bare(green) } else { Outcome::parse(green, &String::from_utf8_lossy(said)) }
}

/// What CI runs for a job, with a target folder of its own.
fn run_command(sandbox: &Sandbox<'_>, job: &Job) -> Result<Command> {
    if is_written_by_hand(job) {
        let mut command = sandbox.programs.command("sh", &sandbox.tree())?;
        command.args(["-c", &job.command]).env("CARGO_TARGET_DIR", sandbox.target(&job.name));
        return Ok(command);
    }
    let mut command = cargo(sandbox, job)?;
    command.args([
        "nextest",
        "run",
        "--no-fail-fast",
        "--no-tests",
        "fail",
        "--status-level",
        "all",
        "--color",
        "never",
    ]);
    command.args(packages(job)).args(["-E", &job.filter]);
    Ok(command)
}

/// Whether the table names another command than ours.
fn is_written_by_hand(job: &Job) -> bool {
    job.command != format!("cargo xtask test {}", job.name)
}

fn cargo(sandbox: &Sandbox<'_>, job: &Job) -> Result<Command> {
    let mut command = sandbox.programs.command("cargo", &sandbox.tree())?;
    command.env("CARGO_TARGET_DIR", sandbox.target(&job.name));
    Ok(command)
}

fn packages(job: &Job) -> impl Iterator<Item = &str> {
    job.packages.iter().flat_map(|package| ["--package", package.as_str()])
}

/// Does something for each, two at once, and keeps the order.
fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> Result<R> + Sync) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let done: Mutex<BTreeMap<usize, Result<R>>> = Mutex::default();
    thread::scope(|scope| {
        for _ in 0..WORKERS.min(items.len()) {
            scope.spawn(|| {
                while let Some((index, item)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    items.get(index).map(|item| (index, item))
                } {
                    let result = work(item);
                    done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(index, result);
                }
            });
        }
    });
    let done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.into_values().collect()
}
