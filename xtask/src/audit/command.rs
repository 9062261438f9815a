//! The command line of `affected-audit`, and its two kinds of cases.

use std::{
    fs,
    io::IsTerminal,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use fastrand::Rng;
use xshell::{Shell, cmd};

use super::{
    copy::Copy,
    sabotage::{Sabotage, candidates, sabotage},
    tally::{Outcome, Shadow, Tally},
};
use crate::{
    affected::{cargo::Cargo, changes::Base, git::Git},
    evidence::store,
    step::Steps,
    stop::Stop,
    terminal,
};

const MINUTE: Duration = Duration::from_secs(60);

/// Measures how often a job is left out that should have run
///
/// In a copy of the repository it breaks files chosen at random, and steps through commits chosen at random; for each it
/// makes the plan and then runs a job that the plan left out. Such a job must pass. One that does not, and passes without
/// the change, is a miss. The tally gives the rate that can be claimed, and is kept in target/affected/audit.json.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cargo xtask affected-audit                                 ten files, five commits
  cargo xtask affected-audit --sabotages 40 --shadows 0 --minutes 120
  cargo xtask affected-audit --seed 7 --job common           the same choice again, and one job only

Exit status:
  0  nothing was missed
  1  a job was missed, or nothing could be told
  2  it could not be carried out")]
pub struct AffectedAudit {
    /// So many files are broken, one at a time
    #[arg(long, value_name = "N", default_value_t = 10)]
    sabotages: usize,
    /// So many of the last 50 commits are stepped through
    #[arg(long, value_name = "N", default_value_t = 5)]
    shadows: usize,
    /// What the choice is made from [default: the time]
    #[arg(long)]
    seed: Option<u64>,
    /// Run this job only, where it was left out
    #[arg(long)]
    job: Option<String>,
    /// Begin nothing more after so many minutes
    #[arg(long, value_name = "N", default_value_t = 60)]
    minutes: u32,
    /// Plan without records of earlier runs
    #[arg(long)]
    no_records: bool,
    /// How to print the tally
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Plain lines instead of a line that moves
    #[arg(long, env = "CI", value_parser = clap::builder::FalseyValueParser::new(), hide_env = true)]
    plain: bool,
}

/// How a tally is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for people, in Markdown
    Text,
    /// One document for programs
    Json,
}

impl AffectedAudit {
    /// Audits the repository around `directory`; whether nothing was missed.
    ///
    /// # Errors
    /// No copy can be made, or it was interrupted, after which the tally so far is printed.
    pub fn run(&self, directory: &Path) -> Result<bool> {
        let cargo = Cargo::read(directory)?;
        let git = Git::open(directory)?;
        let records = cargo.target.join(store::DEFAULT);
        let records = (!self.no_records && records.is_dir()).then_some(records);
        let plain = self.plain || !std::io::stderr().is_terminal();
        let seed = self.seed.unwrap_or_else(|| fastrand::u64(0..1_000_000));
        let stop = Stop::on_signals()?;
        let mut audit = Audit {
            copy: Copy::make(git.top(), &cargo.target, records)?,
            steps: Steps::new(cargo.target.join("test-logs"), plain, stop.clone())?,
            rng: Rng::with_seed(seed),
            only: self.job.clone(),
            ends: Instant::now() + MINUTE * self.minutes,
            shadows: Vec::new(),
            kept_all: 0,
        };
        let head = head(git.top())?;
        audit.steps.expect(0);
        let broken = audit.sabotages(&git, &head, self.sabotages);
        let done = broken.and_then(|()| audit.commits(git.top(), self.shadows));
        // What was run before an interruption is told all the same: it took its time.
        if !stop.asked() || audit.shadows.is_empty() {
            done?;
        }
        let tally = Tally::new(head, seed, audit.kept_all, audit.shadows);
        let json = serde_json::to_string_pretty(&tally)? + "\n";
        let kept: PathBuf = cargo.target.join("affected/audit.json");
        fs::create_dir_all(kept.parent().context("a file without a folder")?)?;
        fs::write(&kept, &json).with_context(|| format!("cannot write {}", kept.display()))?;
        match self.format {
            Format::Text => terminal::print(&tally.text()),
            Format::Json => terminal::print_exact(json.as_bytes())?,
        }
        ensure!(!stop.asked(), "interrupted; this is the tally of what was run before");
        Ok(tally.is_clean())
    }
}

struct Audit {
    copy: Copy,
    steps: Steps,
    rng: Rng,
    only: Option<String>,
    ends: Instant,
    shadows: Vec<Shadow>,
    kept_all: usize,
}

impl Audit {
    fn sabotages(&mut self, git: &Git, head: &str, count: usize) -> Result<()> {
        let files = candidates(&git.tree(&Base::Commit(head.to_owned()))?);
        ensure!(!files.is_empty(), "there is no file to break");
        for _ in 0..count {
            if Instant::now() > self.ends {
                break;
            }
            let path = files[self.rng.usize(..files.len())].clone();
            let broken = sabotage(&path, &self.copy.contents(&path)?, &mut self.rng);
            let how = if broken == Sabotage::Gone { "removal of" } else { "sabotage of" };
            self.copy.breaks(&path, &broken)?;
            self.shadow(format!("{how} {path}"), head, None)?;
            self.copy.at(head)?;
        }
        Ok(())
    }

    fn commits(&mut self, top: &Path, count: usize) -> Result<()> {
        let shell = Shell::new()?;
        shell.change_dir(top);
        let told = cmd!(shell, "git rev-list --max-count=50 --no-merges --min-parents=1 HEAD").quiet().read()?;
        let mut commits: Vec<&str> = told.lines().collect();
        self.rng.shuffle(&mut commits);
        for commit in commits.into_iter().take(count) {
            if Instant::now() > self.ends {
                break;
            }
            self.copy.at(commit)?;
            let short = commit.get(..10).unwrap_or(commit);
            self.shadow(format!("commit {short}"), &format!("{commit}^"), Some(commit))?;
        }
        Ok(())
    }

    /// Runs one of the jobs that the plan leaves out.
    fn shadow(&mut self, change: String, base: &str, commit: Option<&str>) -> Result<()> {
        let plan = match self.copy.plan(base) {
            Ok(plan) => plan,
            Err(error) => {
                // Without a plan every job runs, so that nothing can be missed.
                self.steps.note(&format!("{change}: {error:#}"));
                self.kept_all += 1;
                return Ok(());
            }
        };
        let all = plan.kept + plan.left_out.len();
        let wanted = |job: &&String| self.only.as_ref().is_none_or(|only| only == *job);
        let left_out: Vec<&String> = plan.left_out.iter().filter(wanted).collect();
        if left_out.is_empty() {
            self.kept_all += 1;
            return Ok(());
        }
        let job = left_out[self.rng.usize(..left_out.len())].clone();
        let title = format!("{change}: {job}");
        let mut outcome = self.copy.run(&self.steps, &title, &job)?;
        if outcome == Outcome::Missed {
            self.copy.at(if commit.is_some() { base } else { "HEAD" })?;
            let before = self.copy.run(&self.steps, &format!("{title}, without it"), &job)?;
            outcome = if before == Outcome::Passed { Outcome::Missed } else { Outcome::RedBefore };
        }
        self.shadows.push(Shadow { change, job, kept: (plan.kept, all), outcome });
        Ok(())
    }
}

fn head(top: &Path) -> Result<String> {
    let shell = Shell::new()?;
    shell.change_dir(top);
    Ok(cmd!(shell, "git rev-parse HEAD").quiet().read()?)
}
