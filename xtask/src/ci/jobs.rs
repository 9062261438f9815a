//! Runs jobs, some of them side by side, each with its lab raised before and lowered after.

use std::{sync::mpsc, thread, time::Duration};

use anyhow::{Context, Result};
use xshell::cmd;

use super::queue::Queue;
use crate::{
    affected::jobs::{Job, Lab},
    gate::reports::find,
    test::{
        runner::{MINUTE, Runner},
        summary::Row,
    },
};

/// For a lab to come or go.
const LAB_LIMIT: Duration = Duration::from_secs(1800);
/// In which a job finds the name of its lab.
const LAB: &str = "LAB";

/// Runs `jobs`, at most `most` at once; one row for each, in the order they ended.
///
/// # Errors
/// A program cannot be started, or somebody asked to stop; what still ran was waited for.
pub fn run(runner: &Runner, labs: &[Lab], jobs: &[&Job], most: usize) -> Result<Vec<Row>> {
    let mut queue = Queue::new(jobs, most);
    let mut rows = Vec::new();
    let mut stopped = None;
    let (done, ended) = mpsc::channel();
    thread::scope(|scope| {
        loop {
            while stopped.is_none()
                && let Some(job) = queue.begin()
            {
                let (runner, done) = (runner.clone(), done.clone());
                let lab = job.lab.as_ref().and_then(|name| labs.iter().find(|lab| lab.name == *name));
                scope.spawn(move || done.send((job, with_lab(&runner, lab, job))));
            }
            if !queue.is_busy() {
                break;
            }
            let (job, row) = ended.recv().context("a job was lost")?;
            queue.end(&job.name);
            match row {
                Ok(row) => rows.push(row),
                Err(error) => stopped = stopped.or(Some(error)),
            }
        }
        stopped.map_or(Ok(rows), Err)
    })
}

fn with_lab(runner: &Runner, lab: Option<&Lab>, job: &Job) -> Result<Row> {
    let Some(lab) = lab else { return one(runner, job) };
    let (shell, steps) = (&runner.shell, &runner.steps);
    let (raise, lower) = (&lab.raise, &lab.lower);
    let raised = steps.run(&format!("{}: raise {}", job.name, lab.name), cmd!(shell, "sh -c {raise}"), LAB_LIMIT);
    let row = match &raised {
        Ok(ran) if ran.success => {
            shell.set_var(LAB, &lab.name);
            one(runner, job)
        }
        // No report is left, and so the gate knows.
        Ok(_) | Err(_) => Ok(Row::not_built(&job.name)),
    };
    // Also where somebody asked to stop: a lab that is left up disturbs the next run.
    let lowered = cmd!(shell, "sh -c {lower}");
    let lowered = steps.run_regardless(&format!("{}: lower {}", job.name, lab.name), lowered, LAB_LIMIT);
    raised.and(lowered).and(row)
}

fn one(runner: &Runner, job: &Job) -> Result<Row> {
    let Some(command) = job.own_command() else { return runner.job(job) };
    let shell = &runner.shell;
    let ran = runner.steps.run(&job.name, cmd!(shell, "sh -c {command}"), MINUTE * job.timeout_minutes)?;
    let kept = runner.reports().join(format!("{}.xml", job.name));
    if !ran.success {
        runner.counted(&job.name, &kept, false)?;
    }
    let (counts, _) = find(&runner.reports(), &job.name).counts();
    Ok(Row::job(&job.name, ran.success, counts, ran.elapsed))
}
