//! A plan as a GitLab child pipeline: `trigger: include: artifact`. It is JSON, which is YAML too.
//!
//! GitLab refuses a pipeline without jobs, so a plan with nothing to run has one that says so.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

use crate::{
    affected::plan::{Decision, Plan, State},
    test::runner::REPORTS,
};

#[derive(Serialize)]
struct Job {
    script: Vec<String>,
    /// Any rule puts the job into every kind of pipeline; without one it is left out of those of merge requests.
    rules: [Rule; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    allow_failure: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    variables: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifacts: Option<Artifacts>,
}

#[derive(Serialize)]
struct Rule {
    when: &'static str,
}

#[derive(Serialize)]
struct Artifacts {
    when: &'static str,
    paths: [String; 1],
    reports: Reports,
}

#[derive(Serialize)]
struct Reports {
    junit: String,
}

/// The pipeline. Each job is `test:NAME`, since some plain names are keywords.
///
/// # Errors
/// None that a plan can cause.
pub fn gitlab(plan: &Plan) -> Result<String> {
    let running = plan.jobs.iter().filter(|decision| decision.state == State::Run);
    let mut jobs: BTreeMap<String, Job> =
        running.map(|decision| (format!("test:{}", decision.job.name), job(decision))).collect();
    if jobs.is_empty() {
        jobs.insert("nothing to run".to_owned(), script("echo no job is affected"));
    }
    Ok(serde_json::to_string_pretty(&jobs)? + "\n")
}

fn script(line: &str) -> Job {
    Job {
        script: vec![line.to_owned()],
        rules: [Rule { when: "on_success" }],
        timeout: None,
        allow_failure: false,
        variables: BTreeMap::new(),
        artifacts: None,
    }
}

fn job(decision: &Decision) -> Job {
    let report = format!("{REPORTS}/{}.xml", decision.job.name);
    Job {
        timeout: Some(format!("{} minutes", decision.job.timeout_minutes)),
        allow_failure: !decision.voting,
        variables: decision.job.lab.iter().map(|lab| ("LAB", lab.clone())).collect(),
        artifacts: Some(Artifacts { when: "always", paths: [report.clone()], reports: Reports { junit: report } }),
        ..script(&decision.job.command)
    }
}
