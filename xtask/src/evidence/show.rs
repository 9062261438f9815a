//! The records of a store, held against the work tree.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use serde::Serialize;

use super::{
    facts::Surroundings,
    record::{Record, Seen},
    store::Contents,
};
use crate::affected::{
    graph::Workspace,
    jobs::{Job, JobTable},
    path::RepoPath,
    tree::Tree,
};

/// The version of the JSON form.
const SCHEMA: u32 = 1;
const HEAD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();

/// What records are held against.
pub struct Present<'p> {
    /// The work tree as it is.
    pub tree: &'p Tree,
    /// The SHA-256 of a file that git does not have.
    pub untracked: &'p dyn Fn(&RepoPath) -> Option<String>,
    /// The packages.
    pub workspace: &'p Workspace,
    /// The jobs.
    pub table: &'p JobTable,
    /// The machine and the toolchain.
    pub surroundings: &'p Surroundings,
    /// Seconds since 1970.
    pub now: u64,
}

/// All that is shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Shown {
    schema: u32,
    records: Vec<Line>,
    warnings: Vec<String>,
}

/// One record.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Line {
    job: String,
    id: String,
    /// When the run ended, in seconds since 1970.
    ended: u64,
    age_seconds: u64,
    commit: String,
    passed: bool,
    tests: u64,
    /// How many paths it names.
    paths: usize,
    /// How many of the tracked files of the job's packages it read, and how many there are.
    read_of_packages: usize,
    files_of_packages: usize,
    fit: Fit,
    /// The first path that is not as it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    stale_by: Option<String>,
}

/// Whether a record speaks of the work tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Fit {
    /// All that was read is the same here.
    Fits,
    /// As before, on another machine or with other variables: it tells what is read, and proves nothing.
    FitsElsewhere,
    /// A path differs.
    Stale,
    /// Another job by now: other packages, tests, command or toolchain.
    AskedOtherwise,
    /// There is no such job any more.
    NoJob,
}

impl Shown {
    /// Holds every record against what is here.
    #[must_use]
    pub fn of(contents: &Contents, present: &Present<'_>) -> Self {
        let all = contents.jobs.values().flatten();
        let records = all.map(|kept| line(&kept.id, &kept.record, present)).collect();
        Self { schema: SCHEMA, records, warnings: contents.warnings.clone() }
    }

    /// One document.
    ///
    /// # Errors
    /// None that is known.
    pub fn json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// A table for people.
    #[must_use]
    pub fn text(&self) -> String {
        if self.records.is_empty() {
            return "no records; `cargo xtask evidence record` makes them\n".to_owned();
        }
        let width = self.records.iter().map(|line| line.job.len()).max().unwrap_or(0).max("job".len());
        let mut out = format!(
            "{HEAD}{:<width$}  {:>6}  {:<10}  {:<6}  {:>5}  {:>5}  {:>11}  here{HEAD:#}\n",
            "job", "age", "commit", "result", "tests", "paths", "of its own"
        );
        for line in &self.records {
            let (result, style) = if line.passed { ("passed", GOOD) } else { ("FAILED", BAD) };
            let own = format!("{}/{}", line.read_of_packages, line.files_of_packages);
            let commit = line.commit.get(..10).unwrap_or(&line.commit);
            let _ = writeln!(
                out,
                "{:<width$}  {:>6}  {commit:<10}  {style}{result}{style:#}  {:>5}  {:>5}  {own:>11}  {}",
                line.job,
                age(line.age_seconds),
                line.tests,
                line.paths,
                line.here()
            );
        }
        out
    }

    /// What was left out, a line each.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl Line {
    fn here(&self) -> String {
        match (self.fit, &self.stale_by) {
            (Fit::Fits, _) => "fits".to_owned(),
            (Fit::FitsElsewhere, _) => "fits, from another machine or environment".to_owned(),
            (Fit::Stale, path) => format!("stale: {}", path.as_deref().unwrap_or_default()),
            (Fit::AskedOtherwise, _) => "the job or the toolchain is another".to_owned(),
            (Fit::NoJob, _) => "no such job".to_owned(),
        }
    }
}

fn line(id: &str, record: &Record, present: &Present<'_>) -> Line {
    let job = present.table.job(&record.job);
    let stale_by = record.differs(present.tree, present.untracked);
    let fit = match job {
        None => Fit::NoJob,
        Some(_) if stale_by.is_some() => Fit::Stale,
        Some(job) if record.asked != present.surroundings.asked(job) => Fit::AskedOtherwise,
        Some(_) if record.host != present.surroundings.host => Fit::FitsElsewhere,
        Some(_) => Fit::Fits,
    };
    let own = job.map(|job| files_of(job, present)).unwrap_or_default();
    let is_read = |path: &&&RepoPath| {
        let seen = record.built_from.get(**path).or_else(|| record.run_on.get(**path));
        matches!(seen, Some(Seen::Tracked(_)))
    };
    Line {
        job: record.job.clone(),
        id: id.to_owned(),
        ended: record.ended,
        age_seconds: present.now.saturating_sub(record.ended),
        commit: record.commit.clone(),
        passed: record.passed,
        tests: record.tests,
        paths: record.governed_by.len() + record.built_from.len() + record.run_on.len(),
        read_of_packages: own.iter().filter(is_read).count(),
        files_of_packages: own.len(),
        fit,
        stale_by: stale_by.filter(|_| fit == Fit::Stale).map(ToString::to_string),
    }
}

/// The files that git has in the folders of the job's packages.
fn files_of<'t>(job: &Job, present: &Present<'t>) -> Vec<&'t RepoPath> {
    let folders = job.packages.iter().filter_map(|name| present.workspace.member(name));
    let folders = folders.filter_map(|package| present.workspace.packages[package].directory.clone());
    folders.flat_map(|folder| present.tree.below(&RepoPath::new(folder)).map(|(path, _)| path)).collect()
}

/// As people say it.
fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86400),
    }
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn ages_are_told_in_one_unit() {
        assert_eq!([59, 60, 3599, 3600, 172_799, 172_800].map(age), ["59 s", "1 min", "59 min", "1 h", "47 h", "2 d"]);
    }
}
