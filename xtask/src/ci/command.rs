//! The command line of `ci`, and its order: plan, run, judge.

use std::{
    fs::{self, File, TryLockError},
    io::IsTerminal,
    path::Path,
    thread::available_parallelism,
};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::{
    jobs,
    queue::{side_by_side, test_threads},
};
use crate::{
    affected::{
        cargo::Cargo,
        jobs::{Job, Lab},
        plan::{Plan, State},
        planned::{Asked, Planned},
        render::{
            json::{Document, json},
            text::text,
        },
    },
    evidence::cutoff::comes_out_the_same,
    gate::{self, judge::Judged, reports::find},
    step::Steps,
    stop::Stop,
    terminal,
    test::{
        runner::Runner,
        summary::{Row, table},
    },
};

/// Held while `ci` runs, below the folder where cargo builds.
const LOCK: &str = "ci.lock";
const PLAN: &str = "plan.json";
const JUDGEMENT: &str = "judgement.json";

/// Does what CI does to a change: plans, runs the jobs that the plan demands, and judges
///
/// Lints always, builds once what the planned jobs cover, runs each with a JUnit report of its own, raises and lowers
/// the labs they need, and ends with the judgement of `gate`. The plan, the reports and the judgement are in
/// target/nextest/ci/ (plan.json, JOB.xml, judgement.json), what the steps print in target/test-logs/. Ctrl-C ends what
/// it started.
///
/// Jobs that use the same lab or Python environment run one after another, and a job with a command of its own alone.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cargo xtask ci                         my change, compared with main
  cargo xtask ci --base origin/release   compared with another branch
  cargo xtask ci --dry-run               what would run
  cargo xtask ci --jobs 3                up to three jobs at once

Exit status:
  0  the gate is open
  1  the gate is shut: a job that votes, or a lint, failed or did not run
  2  no judgement: no plan, a prerequisite that cannot be installed, interrupted")]
pub struct Ci {
    /// Compare with the merge-base of this revision [default: as affected-tests]
    #[arg(long, value_name = "REV")]
    base: Option<String>,
    /// So many jobs run at once, if they do not disturb each other [default: one for each four processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: Option<u16>,
    /// Print the plan and what would run, and run nothing
    #[arg(long)]
    dry_run: bool,
    /// Plain lines instead of lines that move
    #[arg(long, env = "CI", value_parser = clap::builder::FalseyValueParser::new(), hide_env = true)]
    plain: bool,
}

impl Ci {
    /// Plans, runs and judges the change of the work tree around `directory`; whether the gate is open.
    ///
    /// # Errors
    /// There is no judgement: no plan can be made, or it could not be carried out.
    pub fn run(&self, directory: &Path) -> Result<bool> {
        let planned = Planned::read(directory, &Asked { base: self.base.clone(), ..Asked::default() })?;
        for warning in &planned.warnings {
            terminal::complain(&format!("{warning}\n"));
        }
        let mut plan = planned.plan();
        terminal::print(&text(&plan));
        let jobs = demanded_by(&plan);
        let demanded: Vec<&Job> = jobs.iter().collect();
        let processors = available_parallelism().map_or(1, usize::from);
        let most = self.jobs.map_or_else(|| side_by_side(processors), usize::from).min(demanded.len().max(1));
        if self.dry_run {
            terminal::print(&intended(&demanded, most));
            return Ok(true);
        }
        let target = &planned.cargo.target;
        fs::create_dir_all(target).with_context(|| format!("cannot make {}", target.display()))?;
        let _held = lock(&target.join(LOCK))?;
        let mut runner = self.runner(&planned.cargo, &demanded)?;
        cut_off(&planned, &mut plan, &runner)?;
        let jobs = demanded_by(&plan);
        let demanded: Vec<&Job> = jobs.iter().collect();
        runner.narrow(&demanded);
        runner.test_threads = test_threads(processors, most);
        let document = json(&plan)?;
        fs::write(runner.reports().join(PLAN), &document)?;

        let Ran { checks, built, jobs } = carry_out(&runner, &planned.table.labs, &demanded, most)?;
        let judged = judge(&document, &runner, &checks)?;
        fs::write(runner.reports().join(JUDGEMENT), gate::render::json(&judged)?)?;
        terminal::print(&table(&[checks, jobs].concat()));
        terminal::print(&said(&plan, built));
        terminal::print(&gate::render::text(&judged));
        Ok(gate::judge::passes(&judged))
    }

    /// Everything that these jobs need, and no report of an earlier run.
    fn runner(&self, cargo: &Cargo, demanded: &[&Job]) -> Result<Runner> {
        let plain = self.plain || !std::io::stderr().is_terminal();
        let steps = Steps::new(cargo.target.join("test-logs"), plain, Stop::on_signals()?)?;
        let mut runner = Runner::prepare(cargo, steps, demanded)?;
        runner.narrow(demanded);
        runner.clear_reports()?;
        Ok(runner)
    }
}

fn demanded_by(plan: &Plan) -> Vec<Job> {
    plan.jobs.iter().filter(|decision| decision.state.runs()).map(|decision| decision.job.clone()).collect()
}

/// Takes jobs back whose programs come out as in a run that passed.
fn cut_off(planned: &Planned, plan: &mut Plan, runner: &Runner) -> Result<()> {
    let planner = planned.planner();
    for decision in plan.jobs.iter_mut().filter(|decision| decision.state.runs()) {
        let Some((proof, record)) = planner.near(&decision.job.name, &planned.changes) else { continue };
        if comes_out_the_same(runner, &planned.cargo, &decision.job, record)? {
            runner.steps.note(&format!("{}: the same programs passed at {}", decision.job.name, proof.commit));
            (decision.state, decision.proof) = (State::Proved, Some(proof.clone()));
        }
    }
    Ok(())
}

/// What was run.
struct Ran {
    checks: Vec<Row>,
    built: bool,
    jobs: Vec<Row>,
}

fn carry_out(runner: &Runner, labs: &[Lab], demanded: &[&Job], most: usize) -> Result<Ran> {
    let with_labs = crate::test::labs::steps(demanded);
    let counted = if demanded.is_empty() { 0 } else { 1 + demanded.len() + with_labs };
    runner.steps.expect(runner.lints() + counted);
    let mut checks = runner.lint()?;
    let built = demanded.is_empty() || runner.build()?;
    checks.extend(runner.tidy(false)?);
    let jobs = if built {
        jobs::run(runner, labs, demanded, most)?
    } else {
        demanded.iter().map(|job| Row::not_built(&job.name)).collect()
    };
    Ok(Ran { checks, built, jobs })
}

/// The jobs by their reports, as `gate` judges them, and the lints as one more that always votes.
fn judge(document: &str, runner: &Runner, checked: &[Row]) -> Result<Vec<Judged>> {
    let reports = runner.reports();
    let mut judged = vec![gate::judge::lint(checked)];
    judged.extend(gate::judge::judge(&Document::parse(document)?, |job| find(&reports, job)));
    Ok(judged)
}

fn said(plan: &Plan, built: bool) -> String {
    match (plan.jobs.iter().any(|decision| decision.state.runs()), built) {
        (false, _) => "\nno job was to run: nothing that changed reaches one\n\n".to_owned(),
        (true, false) => "\nno job ran: the build failed\n\n".to_owned(),
        (true, true) => "\n".to_owned(),
    }
}

/// What would be run, a line for each step.
fn intended(jobs: &[&Job], most: usize) -> String {
    let mut lines = vec!["\nwould run:".to_owned(), "  cargo xtask test lint".to_owned()];
    for job in jobs {
        let lab = job.lab.iter().map(|lab| format!("lab {lab}"));
        let needs: Vec<String> = lab.chain(job.venvs.iter().map(|venv| format!("Python environment {venv}"))).collect();
        let with = if needs.is_empty() { String::new() } else { format!("  (with {})", needs.join(", ")) };
        lines.push(format!("  {}{with}", job.command));
    }
    if most > 1 {
        lines.push(format!("up to {most} jobs at once"));
    }
    lines.join("\n") + "\n"
}

/// Two runs would take each other's reports for their own.
fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("another `cargo xtask ci` runs in this work tree"),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}
