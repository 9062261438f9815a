//! Raises the lab that a job needs before it, and lowers it after.

use std::{process, time::Duration};

use anyhow::Result;
use xshell::cmd;

use super::{runner::Runner, summary::Row};
use crate::{
    affected::jobs::{Job, Lab},
    lab::OWNER,
};

/// For a lab to come or go.
const LIMIT: Duration = Duration::from_secs(1800);
/// In which a job finds the name of its lab.
const LAB: &str = "LAB";

/// How many steps [`with_lab`] takes beside the job.
#[must_use]
pub fn steps(jobs: &[&Job]) -> usize {
    2 * jobs.iter().filter(|job| job.lab.is_some()).count()
}

/// Runs a job by `run` while its lab is up.
///
/// # Errors
/// What `run` failed with; a program cannot be started, or somebody asked to stop.
pub fn with_lab(runner: &Runner, labs: &[Lab], job: &Job, run: impl FnOnce(&Runner) -> Result<Row>) -> Result<Row> {
    let Some(lab) = job.lab.as_ref().and_then(|name| labs.iter().find(|lab| lab.name == *name)) else {
        return run(runner);
    };
    let (shell, steps) = (&runner.shell, &runner.steps);
    let (raise, lower) = (&lab.raise, &lab.lower);
    // So that a lab can end with this run, also where nobody is left to lower it.
    let owner = process::id().to_string();
    let raise = cmd!(shell, "sh -c {raise}").env(OWNER, &owner);
    let raised = steps.run(&format!("{}: raise {}", job.name, lab.name), raise, LIMIT);
    let row = match &raised {
        Ok(ran) if ran.success => {
            shell.set_var(LAB, &lab.name);
            run(runner)
        }
        // No report is left, and so the gate knows.
        Ok(_) | Err(_) => Ok(Row::not_built(&job.name)),
    };
    // Also where somebody asked to stop: a lab that is left up disturbs the next run.
    let lower = cmd!(shell, "sh -c {lower}").env(OWNER, &owner);
    let lowered = steps.run_regardless(&format!("{}: lower {}", job.name, lab.name), lower, LIMIT);
    raised.and(lowered).and(row)
}
