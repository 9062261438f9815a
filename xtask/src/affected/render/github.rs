//! A plan as the matrix of a GitHub Actions job, on one line: `matrix: ${{ fromJSON(...) }}`.
//!
//! GitHub refuses an empty matrix: guard the job with `if: needs.plan.outputs.matrix != '{"include":[]}'`.

use anyhow::Result;
use serde::Serialize;

use crate::affected::plan::{Plan, State};

#[derive(Serialize)]
struct Matrix<'a> {
    include: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    job: &'a str,
    command: &'a str,
    lab: &'a str,
    timeout_minutes: u32,
    voting: bool,
}

/// The jobs to run.
///
/// # Errors
/// None that a plan can cause.
pub fn github(plan: &Plan) -> Result<String> {
    let running = plan.jobs.iter().filter(|decision| decision.state == State::Run);
    let include = running.map(|decision| Entry {
        job: &decision.job.name,
        command: &decision.job.command,
        lab: decision.job.lab.as_deref().unwrap_or_default(),
        timeout_minutes: decision.job.timeout_minutes,
        voting: decision.voting,
    });
    Ok(serde_json::to_string(&Matrix { include: include.collect() })? + "\n")
}
