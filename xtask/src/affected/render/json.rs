//! A plan for programs. `schema` grows when a field changes its meaning or goes; new fields may come any time.

use anyhow::Result;
use serde::Serialize;

use crate::affected::plan::{Cause, Decision, Plan, Scope, State, Step};

const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    compared: &'a str,
    changed_paths: usize,
    /// Null, or why the change cannot be known and every job runs.
    every_job: Option<EveryJob<'a>>,
    jobs: Vec<Job<'a>>,
}

#[derive(Serialize)]
struct EveryJob<'a> {
    reason: &'a str,
    mend: &'a str,
}

#[derive(Serialize)]
struct Job<'a> {
    name: &'a str,
    state: &'static str,
    voting: bool,
    packages: &'a [String],
    command: &'a str,
    lab: Option<&'a str>,
    owners: &'a [String],
    timeout_minutes: u32,
    /// The shortest way from a changed path to this job; null where none is known.
    reason: Option<Reason<'a>>,
}

#[derive(Serialize)]
struct Reason<'a> {
    /// The path, escaped to one line.
    path: String,
    common: bool,
    steps: Vec<Way<'a>>,
}

#[derive(Serialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
enum Way<'a> {
    Link { path: String },
    Package { name: &'a str },
    TestsOf { name: &'a str },
    Reads { pattern: &'a str },
    Rule { why: &'a str },
    Manifest { what: &'a str },
    EveryPackage { what: &'a str },
    Uncompared { why: &'a str },
    Unplaced,
}

/// The plan as one JSON document, with a newline at its end.
///
/// # Errors
/// None that a plan can cause.
pub fn json(plan: &Plan) -> Result<String> {
    let document = Document {
        schema: SCHEMA,
        compared: &plan.compared,
        changed_paths: plan.changed_paths,
        every_job: plan.every_job.as_ref().map(|(reason, mend)| EveryJob { reason, mend }),
        jobs: plan.jobs.iter().map(job).collect(),
    };
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn job(decision: &Decision) -> Job<'_> {
    let job = &decision.job;
    Job {
        name: &job.name,
        state: match decision.state {
            State::Run => "run",
            State::Skipped => "skipped",
            State::Unaffected => "unaffected",
        },
        voting: decision.voting,
        packages: &job.packages,
        command: &job.command,
        lab: job.lab.as_deref(),
        owners: &job.owners,
        timeout_minutes: job.timeout_minutes,
        reason: decision.cause.as_ref().map(reason),
    }
}

fn reason(cause: &Cause) -> Reason<'_> {
    Reason {
        path: cause.path.to_string(),
        common: cause.scope == Scope::Common,
        steps: cause.steps.iter().map(way).collect(),
    }
}

fn way(step: &Step) -> Way<'_> {
    match step {
        Step::Link(at) => Way::Link { path: at.to_string() },
        Step::Package(name) => Way::Package { name },
        Step::TestsOf(name) => Way::TestsOf { name },
        Step::Reads(pattern) => Way::Reads { pattern },
        Step::Rule(why) => Way::Rule { why },
        Step::Manifest(what) => Way::Manifest { what },
        Step::EveryPackage(what) => Way::EveryPackage { what },
        Step::Uncompared(why) => Way::Uncompared { why },
        Step::Unplaced => Way::Unplaced,
    }
}
