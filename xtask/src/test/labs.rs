//! Raises the lab that a job needs before it, and lowers it after.

use std::{process, time::Duration};

use anyhow::{Context, Result};
use xshell::{Shell, cmd};

use super::{runner::Runner, summary::Row};
use crate::{
    affected::jobs::{Job, Lab},
    itself,
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
            // Its own: what is set is for this job alone, and not for what lowers the lab.
            let inner = runner.clone();
            inner.shell.set_var(LAB, &lab.name);
            match lab.runner.as_ref().map_or(Ok(()), |words| run_through(&inner.shell, words)) {
                Ok(()) => run(&inner),
                Err(error) => Err(error),
            }
        }
        // No report is left, and so the gate knows.
        Ok(_) | Err(_) => Ok(Row::not_built(&job.name)),
    };
    // Also where somebody asked to stop: a lab that is left up disturbs the next run.
    let lower = cmd!(shell, "sh -c {lower}").env(OWNER, &owner);
    let lowered = steps.run_regardless(&format!("{}: lower {}", job.name, lab.name), lower, LIMIT);
    raised.and(lowered).and(row)
}

/// Has cargo and nextest run test programs through a command.
fn run_through(shell: &Shell, words: &str) -> Result<()> {
    let version = cmd!(shell, "rustc --version --verbose").quiet().read()?;
    let triple = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    let itself = itself::path()?;
    shell.set_var(variable(triple), command(words, &itself.display().to_string()));
    Ok(())
}

/// In which cargo and nextest find the runner of programs for `triple`.
fn variable(triple: &str) -> String {
    format!("CARGO_TARGET_{}_RUNNER", triple.to_uppercase().replace(['-', '.'], "_"))
}

/// It is called once for each test, and cargo would take longer than most of them.
fn command(words: &str, itself: &str) -> String {
    words.strip_prefix("cargo xtask ").map_or_else(|| words.to_owned(), |rest| format!("{itself} {rest}"))
}

#[cfg(test)]
mod tests {
    use super::{command, variable};

    #[test]
    fn cargo_finds_the_runner() {
        assert_eq!(variable("x86_64-unknown-linux-gnu"), "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER");
    }

    #[test]
    fn this_program_is_started_without_cargo() {
        assert_eq!(command("cargo xtask lab exec lvm --", "/t/xtask"), "/t/xtask lab exec lvm --");
        assert_eq!(command("qemu-system -x", "/t/xtask"), "qemu-system -x");
    }
}
