//! The command line.

use std::{
    io::{Write, stdout},
    ops::Range,
    process::ExitCode,
    str::FromStr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use anyhow::Context;
use ashlar_simulation::{
    plan::Plan,
    planted::Planted,
    run::{Report, run},
    shrink::shrink,
};
use clap::Parser;

use crate::progress::Progress;

/// Lines of the trace that are shown of a failure without --trace.
const SHOWN: usize = 40;
/// A law was broken.
const BROKEN: u8 = 1;

/// Simulates Ashlar: whole worlds of API processes, hosts and backends, each from one seed.
///
/// Ends with 0 when every law held in every world, with 1 when one was broken: the failing seed, the end of its trace and
/// the command to see it again are shown.
#[derive(Debug, Parser)]
#[command(name = "ashlar-simulation")]
pub(crate) struct Command {
    /// Run this world
    #[arg(long, conflicts_with = "seeds", required_unless_present = "seeds")]
    seed: Option<u64>,
    /// Run these worlds, the last not included: 0..10000
    #[arg(long, value_name = "FROM..TO")]
    seeds: Option<Seeds>,
    /// Worlds at a time
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: u16,
    /// Show all that happened
    #[arg(long)]
    trace: bool,
    /// Show a failing world as it is, and look for no smaller one
    #[arg(long)]
    no_shrink: bool,
    /// Plant this error first
    #[arg(long, value_enum)]
    planted: Option<Planted>,
    /// Write one JSON object per failing world, and one for the whole run
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Debug)]
struct Seeds(Range<u64>);

impl FromStr for Seeds {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (from, to) = text.split_once("..").context("expected two numbers as in 0..10000")?;
        let range = from.trim().parse()?..to.trim().parse()?;
        anyhow::ensure!(!range.is_empty(), "{text} holds no seed");
        Ok(Self(range))
    }
}

impl Command {
    pub(crate) fn run(&self) -> anyhow::Result<ExitCode> {
        let seeds = match (&self.seeds, self.seed) {
            (Some(seeds), _) => seeds.0.clone(),
            (None, Some(seed)) => seed..seed.saturating_add(1),
            (None, None) => 0..1,
        };
        let (ran, failed) = self.search(&seeds);
        match failed {
            Some(report) => {
                let report = if self.no_shrink { report } else { shrink(report) };
                self.show_failure(&report)?;
                Ok(ExitCode::from(BROKEN))
            }
            None => {
                self.show_success(ran, &seeds)?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }

    /// Runs worlds until one breaks a law; says how many there were, and the failure with the least seed.
    fn search(&self, seeds: &Range<u64>) -> (u64, Option<Report>) {
        let (next, stop) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
        let failed: Mutex<Vec<Report>> = Mutex::default();
        let progress = Mutex::new(Progress::new(seeds.end - seeds.start));
        std::thread::scope(|scope| {
            for _ in 0..self.jobs {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= seeds.end {
                            return;
                        }
                        let plan = Plan { planted: self.planted, ..Plan::of(seed) };
                        let report = run(plan, true);
                        progress.lock().unwrap_or_else(PoisonError::into_inner).one_more();
                        let alone = seeds.end - seeds.start == 1 && self.trace;
                        if !report.is_good() || alone {
                            stop.store(true, Ordering::Relaxed);
                            failed.lock().unwrap_or_else(PoisonError::into_inner).push(report);
                        }
                    }
                });
            }
        });
        let ran = next.load(Ordering::Relaxed).min(seeds.end) - seeds.start;
        let mut failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        failed.sort_by_key(|report| report.plan.seed);
        if self.trace
            && let Some(good) = failed.iter().find(|report| report.is_good())
        {
            // Asked for by name: shown whether or not it broke a law.
            let _ = writeln!(stdout(), "{}", good.trace.join("\n"));
        }
        (ran, failed.into_iter().find(|report| !report.is_good()))
    }

    fn show_failure(&self, report: &Report) -> std::io::Result<()> {
        let mut out = stdout().lock();
        if self.json {
            return writeln!(out, "{}", serde_json::to_string(report)?);
        }
        let from = if self.trace { 0 } else { report.trace.len().saturating_sub(SHOWN) };
        for line in &report.trace[from..] {
            writeln!(out, "{line}")?;
        }
        let seed = report.plan.seed;
        writeln!(out, "\nseed {seed} breaks a law after {} steps:", report.steps)?;
        for law in &report.broken {
            writeln!(out, "  {law}")?;
        }
        writeln!(out, "in a world of {}", serde_json::to_string(&report.plan)?)?;
        let planted = self.planted.map(|planted| format!(" --planted {planted}")).unwrap_or_default();
        writeln!(out, "see it again: cargo run -p ashlar-simulation -- --seed {seed} --trace{planted}")
    }

    fn show_success(&self, ran: u64, seeds: &Range<u64>) -> std::io::Result<()> {
        let mut out = stdout().lock();
        if self.json {
            return writeln!(out, "{}", serde_json::json!({ "seeds": ran, "from": seeds.start, "broken": 0 }));
        }
        writeln!(out, "{ran} seeds, no law broken")
    }
}
