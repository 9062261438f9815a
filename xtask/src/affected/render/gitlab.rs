//! A plan as a GitLab child pipeline: `trigger: include: artifact`. It is JSON, which is YAML too.
//!
//! At its end a gate judges the reports by the plan, which it takes from the job `plan` of the pipeline that triggered
//! this one and told its own id in `PARENT_PIPELINE_ID`. It runs also where nothing else was to run.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

use crate::{
    affected::plan::{Decision, Plan, State},
    test::runner::REPORTS,
};

/// The gate; the jobs are all named otherwise.
const GATE: &str = "gate";

#[derive(Serialize)]
struct Job {
    script: Vec<String>,
    /// For the gate alone: tests need nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    needs: Vec<Needed>,
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
struct Needed {
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline: Option<&'static str>,
    job: String,
    artifacts: bool,
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
    jobs.insert(GATE.to_owned(), gate(jobs.keys().cloned()));
    Ok(serde_json::to_string_pretty(&jobs)? + "\n")
}

fn script(line: &str) -> Job {
    Job {
        script: vec![line.to_owned()],
        needs: Vec::new(),
        rules: [Rule { when: "on_success" }],
        timeout: None,
        allow_failure: false,
        variables: BTreeMap::new(),
        artifacts: None,
    }
}

fn gate(jobs: impl Iterator<Item = String>) -> Job {
    let plan = Needed { pipeline: Some("$PARENT_PIPELINE_ID"), job: "plan".to_owned(), artifacts: true };
    let reports = jobs.map(|job| Needed { pipeline: None, job, artifacts: true });
    Job {
        needs: [plan].into_iter().chain(reports).collect(),
        rules: [Rule { when: "always" }],
        ..script(&format!("cargo xtask gate --plan target/plan.json --reports {REPORTS}"))
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
