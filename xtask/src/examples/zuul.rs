//! The part of Zuul's example that lists the jobs: Zuul knows no job that is not in its configuration.

use std::fmt::Write;

use crate::affected::{
    jobs::{Job, OnCommonChange},
    render::zuul::name,
};

/// The definition of each job, once for each vote that a plan may give it.
pub(super) fn definitions(jobs: &[Job], folder: &str) -> String {
    let mut out = String::new();
    for job in jobs {
        for voting in votes(job) {
            let about = if *voting { "" } else { ", without a vote" };
            let _ = write!(
                out,
                "\n- job:\n    name: {}\n    parent: affected-base\n    description: {}\n    dependencies: [affected-plan]\n    \
                 voting: {voting}\n    run: {folder}/zuul/test.yaml\n    post-run: {folder}/zuul/post.yaml\n    timeout: {}\n    \
                 vars:\n      affected_job: {}\n      affected_command: {}\n",
                name(job, *voting),
                quoted(&format!("Runs {}{about}; {} answers.", job.name, job.owners.join(", "))),
                job.timeout_minutes * 60,
                job.name,
                quoted(&job.command),
            );
            if let Some(lab) = &job.lab {
                let _ = writeln!(out, "      affected_lab: {}", quoted(lab));
            }
        }
    }
    out
}

/// The same jobs by name, as a list in a pipeline.
pub(super) fn names(jobs: &[Job]) -> String {
    let names = jobs.iter().flat_map(|job| votes(job).iter().map(|voting| format!("        - {}", name(job, *voting))));
    names.collect::<Vec<_>>().join("\n")
}

/// The votes that a plan may give a job: its own changes get the one, common changes perhaps another.
fn votes(job: &Job) -> &'static [bool] {
    match (job.voting, job.on_common_change) {
        (false, _) => &[false],
        (true, OnCommonChange::Check) => &[true, false],
        (true, OnCommonChange::Gate | OnCommonChange::Skip) => &[true],
    }
}

/// As YAML, which all JSON is.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
