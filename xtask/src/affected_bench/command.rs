//! The command line of `affected-bench`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};

use super::{
    history::history,
    programs::Programs,
    report::{markdown, text},
    session::{Session, Wanted},
    speed::speed,
    tools::{install, installed},
};
use crate::{affected::cargo::Cargo, stop::Stop, terminal};

/// Finds out by doing how far `affected-tests` can be trusted
///
/// Makes up a workspace of Ashlar's shape, edits it in every way that is known to change results, and asks the planner
/// each time which jobs are needed. The truth is measured: what cargo builds again for each job, what its programs read,
/// which tests come out otherwise. A needed job that was left out is a miss; it is fatal where the job turned red.
/// Run everything, hand-written filters and the peers that are installed are scored beside.
///
/// The same seed gives the same table.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cargo xtask affected-bench                           every listed case
  cargo xtask affected-bench --cases 'lock/*' --keep   some; stops at a miss and keeps the tree
  cargo xtask affected-bench --seed 7 --random 50      cases drawn in a workspace that is drawn too
  cargo xtask affected-bench --checkout ~/tokio --random 20

Exit status:
  0  no needed job was left out
  1  a miss
  2  wrong use, or the bench itself failed")]
pub struct AffectedBench {
    /// Plays only listed cases whose names match
    #[arg(long, value_name = "GLOB")]
    cases: Option<String>,
    /// Draws workspace and cases of --random, and the sample of --at-most
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Plays so many drawn cases, after the listed ones if --cases is given too, else alone
    #[arg(long, value_name = "M")]
    random: Option<u64>,
    /// Plays no more than so many listed cases: a sample with each kind in it
    #[arg(long, value_name = "N")]
    at_most: Option<usize>,
    /// Edits a clone of this checkout instead of a made-up workspace; without ci/jobs.toml, each member is a job
    #[arg(long, value_name = "PATH", requires = "random", conflicts_with = "cases")]
    checkout: Option<PathBuf>,
    /// Stops at the first miss of ours and keeps the tree
    #[arg(long)]
    keep: bool,
    /// Measures how long answers take instead, so many times each
    #[arg(long, value_name = "RUNS", num_args = 0..=1, default_missing_value = "7", conflicts_with_all = ["cases", "random", "at_most"])]
    speed: Option<u32>,
    /// Compares the plan with cargo's rebuilds for the last N commits of this repository instead; goes on where the last
    /// call ended
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "1000", conflicts_with_all = ["cases", "random", "at_most", "speed"])]
    history: Option<usize>,
    /// Builds the peers from the registry first, below the target folder
    #[arg(long)]
    install_peers: bool,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How the result is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table and lists, for people
    Text,
    /// One document, for programs
    Json,
    /// The table, for a document
    Markdown,
}

impl AffectedBench {
    /// Runs it from `directory`; whether ours missed nothing.
    ///
    /// # Errors
    /// The bench itself failed, or nothing was to be played.
    pub fn run(&self, directory: &Path) -> Result<bool> {
        let cargo = Cargo::read(directory)?;
        let target = cargo.target;
        std::fs::create_dir_all(&target).with_context(|| format!("cannot make {}", target.display()))?;
        let programs = Programs::new(Stop::on_signals()?)?;
        let peers = target.join("affected-peers");
        if self.install_peers {
            install(&programs, &peers)?;
        }
        if let Some(runs) = self.speed {
            let (tools, absent) = installed(&peers);
            let table = speed(&programs, directory, &tools, &absent, runs.max(1))?;
            terminal::print_exact(table.as_bytes())?;
            return Ok(true);
        }
        if let Some(most) = self.history {
            let (table, sound) = history(&programs, &cargo.root, &target, most)?;
            terminal::print_exact(table.as_bytes())?;
            return Ok(sound);
        }
        let session = Session { programs: &programs, target: &target, peers: &peers, seed: self.seed, keep: self.keep };
        let (report, planned) = session.play(&Wanted {
            listed: (self.random.is_none() || self.cases.is_some()).then(|| self.cases.as_deref().unwrap_or("*")),
            at_most: self.at_most,
            random: self.random.unwrap_or(0),
            checkout: self.checkout.as_deref(),
        })?;
        ensure!(planned > 0, "no case matches");
        match self.format {
            Format::Text => terminal::print(&text(&report, planned)),
            Format::Json => {
                terminal::print_exact((serde_json::to_string_pretty(&report)? + "\n").as_bytes())?;
            }
            Format::Markdown => terminal::print_exact(markdown(&report).as_bytes())?,
        }
        Ok(report.is_sound() && report.totals.cases == planned)
    }
}
