//! What teams write by hand, and the package graph alone: answers from paths, without any program.

use std::collections::BTreeSet;

use anyhow::Result;

use super::{Answer, Question, Tool};
use crate::affected::{jobs::Job, path::RepoPath};

/// Runs every job on every change.
pub(in crate::affected_bench) struct Everything;

/// A filter of paths for each job: its packages' folders, common code, and what governs all builds.
pub(in crate::affected_bench) struct Folders;

/// Zuul's way: every job runs but where all changed files are irrelevant to it: prose, and other drivers.
pub(in crate::affected_bench) struct Irrelevant;

/// The packages that own what changed and all that depend on them, as nextest's `rdeps()` has it; every job for what no
/// package owns.
pub(in crate::affected_bench) struct ReverseDependencies;

impl Tool for Everything {
    fn name(&self) -> String {
        "run everything".to_owned()
    }

    fn ask(&self, question: &Question<'_>) -> Result<Answer> {
        Ok(Answer { run: question.every_job(), ..Answer::default() })
    }
}

impl Tool for Folders {
    fn name(&self) -> String {
        "paths filter by directory".to_owned()
    }

    fn ask(&self, question: &Question<'_>) -> Result<Answer> {
        let common = ["common/", "macros/", "Cargo.toml", "Cargo.lock", ".cargo/", "ci/", "rust-toolchain"];
        let selects = |job: &Job, path: &RepoPath| {
            let mut folders = job.packages.iter().filter_map(|name| folder(question, name));
            common.iter().any(|prefix| path.as_bytes().starts_with(prefix.as_bytes()))
                || folders.any(|folder| path.below(folder).is_some())
        };
        Ok(chosen(question, selects))
    }
}

impl Tool for Irrelevant {
    fn name(&self) -> String {
        "irrelevant-files (Zuul)".to_owned()
    }

    fn ask(&self, question: &Question<'_>) -> Result<Answer> {
        let relevant = |job: &Job, path: &RepoPath| {
            let bytes = path.as_bytes();
            let prose = bytes.ends_with(b".md") || bytes == b"LICENSE" || bytes.starts_with(b"docs/");
            let of_a_driver = bytes.starts_with(b"drivers/");
            let own = || {
                let mut folders = job.packages.iter().filter_map(|name| folder(question, name));
                folders.any(|folder| path.below(folder).is_some())
            };
            !prose && (!of_a_driver || own())
        };
        Ok(chosen(question, relevant))
    }
}

impl Tool for ReverseDependencies {
    fn name(&self) -> String {
        "owner and its rdeps (nextest)".to_owned()
    }

    fn ask(&self, question: &Question<'_>) -> Result<Answer> {
        let mut packages = BTreeSet::new();
        for change in question.changes {
            let Some((owner, _)) = question.workspace.owner(&change.path) else {
                return Ok(Answer { run: question.every_job(), ..Answer::default() });
            };
            let reached = question.workspace.reached(owner, crate::affected::graph::Reach::Dependents);
            packages.extend(reached.keys().map(|index| question.workspace.packages[*index].name.clone()));
        }
        Ok(Answer { run: question.jobs_of(&packages), ..Answer::default() })
    }
}

fn folder<'q>(question: &'q Question<'_>, package: &str) -> Option<&'q [u8]> {
    let index = question.workspace.member(package)?;
    question.workspace.packages[index].directory.as_deref()
}

/// The jobs that some changed path selects.
fn chosen(question: &Question<'_>, selects: impl Fn(&Job, &RepoPath) -> bool) -> Answer {
    let jobs = question.table.jobs.iter();
    let run = jobs.filter(|job| question.changes.iter().any(|change| selects(job, &change.path)));
    Answer { run: run.map(|job| job.name.clone()).collect(), ..Answer::default() }
}
