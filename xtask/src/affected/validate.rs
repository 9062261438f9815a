//! Whether a job table fits its workspace. All that is wrong is said at once.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::test::command::WORDS;

use super::{
    graph::{Reach, Workspace},
    jobs::{Job, JobTable, OnCommonChange, Selects},
};

/// Checks names, coverage and the default gate.
///
/// # Errors
/// One line for each fault, with the names to put right.
pub fn check(table: &JobTable, default_gate: &str, workspace: &Workspace) -> Result<()> {
    let mut faults = Vec::new();
    names(table, &mut faults);
    labs(table, &mut faults);
    packages(table, workspace, &mut faults);
    gate(table, default_gate, &mut faults);
    common(table, workspace, &mut faults);
    match faults.as_slice() {
        [] => Ok(()),
        faults => bail!("{}", faults.join("\n")),
    }
}

fn names(table: &JobTable, faults: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for job in &table.jobs {
        let good = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
        if job.name.is_empty() || !job.name.chars().all(good) {
            faults.push(format!("job name `{}`: use letters, digits, `-` and `_`", job.name));
        }
        if WORDS.contains(&job.name.as_str()) {
            faults.push(format!("job name `{}`: `cargo xtask test` takes this word for a check of its own", job.name));
        }
        if !seen.insert(&job.name) {
            faults.push(format!("two jobs are named `{}`", job.name));
        }
        if job.packages.is_empty() {
            faults.push(format!("job `{}` covers no package", job.name));
        }
        if job.timeout_minutes == 0 {
            faults.push(format!("job `{}` has no time to run: timeout-minutes = 0", job.name));
        }
    }
    for rule in &table.rules {
        if let Selects::Named(named) = &rule.selects {
            for name in named.iter().filter(|name| table.job(name).is_none()) {
                faults.push(format!("a rule ({}) names the job `{name}`, which does not exist", rule.why));
            }
        }
    }
}

fn labs(table: &JobTable, faults: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for lab in table.labs.iter().filter(|lab| !seen.insert(&lab.name)) {
        faults.push(format!("two labs are named `{}`", lab.name));
    }
    for job in &table.jobs {
        if let Some(name) = job.lab.as_ref().filter(|name| !seen.contains(name)) {
            faults.push(format!("job `{}` needs the lab `{name}`: no [[lab]] says how to raise it", job.name));
        }
    }
}

fn packages(table: &JobTable, workspace: &Workspace, faults: &mut Vec<String>) {
    for job in &table.jobs {
        for package in job.packages.iter().filter(|package| workspace.member(package).is_none()) {
            faults.push(format!("job `{}` covers package `{package}`, which is not in the workspace", job.name));
        }
    }
    let covered: BTreeSet<&String> = table.jobs.iter().flat_map(|job| &job.packages).collect();
    for (_, package) in workspace.members() {
        if !covered.contains(&package.name) {
            faults.push(format!("no job covers package `{}`", package.name));
        }
    }
}

fn gate(table: &JobTable, default_gate: &str, faults: &mut Vec<String>) {
    match table.job(default_gate) {
        None => faults.push(format!("default-gate names the job `{default_gate}`, which does not exist")),
        Some(job) if !job.voting || job.on_common_change != OnCommonChange::Gate => faults.push(format!(
            "default-gate `{default_gate}` must vote, with on-common-change = \"gate\": else a change of common code \
             could pass ungated"
        )),
        Some(_) => {}
    }
}

/// A package that several jobs share must be seen by one that votes on it: the default gate may not build on it.
fn common(table: &JobTable, workspace: &Workspace, faults: &mut Vec<String>) {
    if table.jobs.iter().all(|job| job.voting && job.on_common_change == OnCommonChange::Gate) {
        return;
    }
    for (index, package) in workspace.members() {
        let reached = workspace.reached(index, Reach::Dependents);
        let sees = |job: &&Job| {
            job.packages.iter().any(|name| workspace.member(name).is_some_and(|member| reached.contains_key(&member)))
        };
        let seeing: Vec<&Job> = table.jobs.iter().filter(sees).collect();
        let votes = |job: &&Job| {
            let own = job.packages.contains(&package.name);
            job.voting && (own || job.on_common_change == OnCommonChange::Gate)
        };
        if seeing.len() > 1 && !seeing.iter().any(votes) {
            let names: Vec<&str> = seeing.iter().map(|job| job.name.as_str()).collect();
            faults.push(format!(
                "a change of package `{}` reaches {}, and none of them votes on it: it could pass ungated",
                package.name,
                names.join(", ")
            ));
        }
    }
}
