//! A plan as a Buildkite pipeline: `cargo xtask affected-tests --format buildkite | buildkite-agent pipeline upload`.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

use crate::{
    affected::plan::{Decision, Plan, State},
    test::runner::REPORTS,
};

#[derive(Serialize)]
struct Pipeline {
    steps: Vec<Step>,
}

#[derive(Serialize)]
struct Step {
    label: String,
    key: String,
    command: String,
    timeout_in_minutes: u32,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    soft_fail: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    env: BTreeMap<&'static str, String>,
    artifact_paths: Vec<String>,
}

/// The pipeline; where nothing is to run, one step says so.
///
/// # Errors
/// None that a plan can cause.
pub fn buildkite(plan: &Plan) -> Result<String> {
    let mut steps: Vec<Step> = plan.jobs.iter().filter(|decision| decision.state == State::Run).map(step).collect();
    if steps.is_empty() {
        steps.push(Step {
            label: "nothing to run".to_owned(),
            key: "nothing-to-run".to_owned(),
            command: "echo no job is affected".to_owned(),
            timeout_in_minutes: 1,
            soft_fail: false,
            env: BTreeMap::new(),
            artifact_paths: Vec::new(),
        });
    }
    Ok(serde_json::to_string_pretty(&Pipeline { steps })? + "\n")
}

fn step(decision: &Decision) -> Step {
    let job = &decision.job;
    Step {
        label: job.name.clone(),
        key: format!("test-{}", job.name),
        // The agent puts variables into what it uploads; a doubled `$` is left to the shell.
        command: job.command.replace('$', "$$"),
        timeout_in_minutes: job.timeout_minutes,
        soft_fail: !decision.voting,
        env: job.lab.iter().map(|lab| ("LAB", lab.clone())).collect(),
        artifact_paths: vec![format!("{REPORTS}/{}.xml", job.name)],
    }
}
