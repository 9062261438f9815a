//! Runs jobs, some of them side by side, each with its lab raised before and lowered after.

use std::{sync::mpsc, thread};

use anyhow::{Context, Result};
use xshell::cmd;

use super::queue::Queue;
use crate::{
    affected::jobs::{Job, Lab},
    gate::reports::find,
    test::{
        labs::with_lab,
        runner::{MINUTE, Runner},
        summary::Row,
    },
};

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
                scope.spawn(move || done.send((job, with_lab(&runner, labs, job, |runner| one(runner, job)))));
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
