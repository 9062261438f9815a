//! `--explain JOB|PATH`: all that leads to a job, or all that a path leads to.

use std::fmt::Write;

use super::{
    changes::{Changes, Found},
    jobs::JobTable,
    path::RepoPath,
    plan::{Plan, Planner},
    render::{chain, text::one_job},
};

/// So many paths are told for a job; of more, their number.
const MOST_PATHS: usize = 50;
/// So many ways from a path to one job, the shortest first.
const MOST_WAYS: usize = 3;

/// Explains the job of that name, or else the path; a path need not be changed to be explained.
#[must_use]
pub fn explain(subject: &str, planner: &Planner<'_>, table: &JobTable, changes: &Changes, plan: &Plan) -> String {
    match plan.jobs.iter().find(|decision| decision.job.name == subject) {
        Some(decision) => {
            let mut text = one_job(decision, plan);
            if let Found::Paths { paths, links } = &changes.found {
                let position = table.jobs.iter().position(|job| job.name == subject);
                let causes = paths.iter().flat_map(|path| planner.causes(path, links));
                let mut lines: Vec<String> =
                    causes.filter(|(index, _)| Some(*index) == position).map(|(_, cause)| chain(&cause)).collect();
                lines.dedup();
                for line in lines.iter().take(MOST_PATHS) {
                    let _ = writeln!(text, "  {line}");
                }
                if lines.len() > MOST_PATHS {
                    let _ = writeln!(text, "  and {} more", lines.len() - MOST_PATHS);
                }
            }
            text
        }
        None => explain_path(&RepoPath::new(subject.trim_start_matches("./")), planner, table, changes),
    }
}

fn explain_path(path: &RepoPath, planner: &Planner<'_>, table: &JobTable, changes: &Changes) -> String {
    let (changed, links) = match &changes.found {
        Found::Paths { paths, links } => (paths.contains(path), links.as_slice()),
        Found::Unknown { .. } => (false, &[][..]),
    };
    let mut text = format!("{path} {}\n", if changed { "is changed" } else { "is not changed; if it were:" });
    let causes = planner.causes(path, links);
    if causes.is_empty() {
        text.push_str("  it selects no job: a rule says so, or nothing in it reaches a build\n");
    }
    for (index, job) in table.jobs.iter().enumerate() {
        let mut own: Vec<_> = causes.iter().filter(|(of, _)| *of == index).map(|(_, cause)| cause).collect();
        own.sort_by_key(|cause| cause.steps.len());
        for cause in own.iter().take(MOST_WAYS) {
            let _ = writeln!(text, "  {} because {}", job.name, chain(cause));
        }
        if own.len() > MOST_WAYS {
            let _ = writeln!(text, "  {} in {} more ways", job.name, own.len() - MOST_WAYS);
        }
    }
    text
}
