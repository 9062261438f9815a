//! A plan as what a Zuul job returns: `zuul_return: file: ...`. Zuul then runs, of the jobs that depend on the one that
//! returned it, those that are named, and reports the others as skipped.
//!
//! A vote is part of a job's definition there, so each job is defined twice: `test-NAME` votes, `check-NAME` does not.

use anyhow::Result;
use serde::Serialize;

use crate::affected::{
    jobs::Job,
    plan::{Plan, State},
};

#[derive(Serialize)]
struct Returned {
    zuul: Zuul,
}

#[derive(Serialize)]
struct Zuul {
    child_jobs: Vec<String>,
}

/// The names of the jobs to run; no name means that Zuul runs none.
///
/// # Errors
/// None that a plan can cause.
pub fn zuul(plan: &Plan) -> Result<String> {
    let running = plan.jobs.iter().filter(|decision| decision.state == State::Run);
    let child_jobs = running.map(|decision| name(&decision.job, decision.voting)).collect();
    Ok(serde_json::to_string_pretty(&Returned { zuul: Zuul { child_jobs } })? + "\n")
}

/// What the job is called there.
#[must_use]
pub fn name(job: &Job, voting: bool) -> String {
    format!("{}-{}", if voting { "test" } else { "check" }, job.name)
}
