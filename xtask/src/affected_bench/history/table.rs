//! The commits that were looked at, as a Markdown table.

use std::{collections::BTreeSet, fmt::Write};

use serde::{Deserialize, Serialize};

/// One commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Looked {
    /// Its id, in full.
    pub(super) commit: String,
    /// The first line of its message.
    pub(super) subject: String,
    /// What was found, or why nothing can be.
    pub(super) found: Result<Found, String>,
}

/// Jobs of one commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Found {
    /// How many there are.
    pub(super) jobs: usize,
    /// Those of which cargo built a unit again.
    pub(super) built: BTreeSet<String>,
    /// Those of which it did so only because the whole workspace was built at once, which unifies features: built alone,
    /// as CI does with a job, nothing differs.
    #[serde(default)]
    pub(super) together: BTreeSet<String>,
    /// Those that the plan runs.
    pub(super) planned: BTreeSet<String>,
}

impl Found {
    /// Jobs that were built again, and not planned.
    pub(super) fn missed(&self) -> impl Iterator<Item = &String> {
        self.built.difference(&self.planned)
    }
}

/// The table, with the totals above it.
pub(super) fn table(commits: &[Looked]) -> String {
    let found: Vec<&Found> = commits.iter().filter_map(|commit| commit.found.as_ref().ok()).collect();
    let sum = |of: fn(&Found) -> usize| found.iter().map(|found| of(found)).sum::<usize>();
    let missed = sum(|found| found.missed().count());
    let mut out = format!(
        "{} commits, {} of them compared: {} jobs built again, {} planned, {missed} missed; all jobs each time would be \
         {}.\n\n| commit | subject | built again | planned beside | verdict |\n|---|---|---|---|---|\n",
        commits.len(),
        found.len(),
        sum(|found| found.built.len()),
        sum(|found| found.planned.len()),
        sum(|found| found.jobs),
    );
    for Looked { commit, subject, found } in commits {
        let (id, subject) = (commit.get(..10).unwrap_or(commit), subject.replace('|', "\\|"));
        let _ = match found {
            Err(why) => {
                let why = why.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
                writeln!(out, "| {id} | {subject} | | | cannot be compared: {why} |")
            }
            Ok(found) => {
                let more: Vec<&String> = found.planned.difference(&found.built).collect();
                let missed: Vec<&str> = found.missed().map(String::as_str).collect();
                let verdict = match (missed.is_empty(), more.is_empty()) {
                    (false, _) => format!("MISSED {}", missed.join(", ")),
                    (true, true) => "exact".to_owned(),
                    (true, false) => format!("{} more", more.len()),
                };
                let verdict = match found.together.is_empty() {
                    true => verdict,
                    false => format!("{verdict}; {} where all is built at once", listed(&found.together, found.jobs)),
                };
                writeln!(out, "| {id} | {subject} | {} | {} | {verdict} |", listed(&found.built, found.jobs), {
                    let more: BTreeSet<String> = more.into_iter().cloned().collect();
                    listed(&more, found.jobs)
                })
            }
        };
    }
    out
}

fn listed(jobs: &BTreeSet<String>, of: usize) -> String {
    if jobs.len() == of {
        return format!("all {of}");
    }
    jobs.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{Found, Looked, table};

    #[test]
    fn a_commit_is_exact_has_more_or_misses() {
        let jobs = |list: &[&str]| list.iter().map(|job| (*job).to_owned()).collect();
        let look = |built: &[&str], planned: &[&str]| Looked {
            commit: "0123456789abcdef".to_owned(),
            subject: "a | b".to_owned(),
            found: Ok(Found { jobs: 2, built: jobs(built), together: jobs(&[]), planned: jobs(planned) }),
        };
        let failed = Looked { found: Err("no lock\n  file".to_owned()), ..look(&[], &[]) };
        let commits = [look(&["x"], &["x"]), look(&[], &["x", "y"]), look(&["x"], &["y"]), failed];
        insta::assert_snapshot!(table(&commits), @r"
        4 commits, 3 of them compared: 2 jobs built again, 4 planned, 1 missed; all jobs each time would be 6.

        | commit | subject | built again | planned beside | verdict |
        |---|---|---|---|---|
        | 0123456789 | a \| b | x |  | exact |
        | 0123456789 | a \| b |  | all 2 | 2 more |
        | 0123456789 | a \| b | x | y | MISSED x |
        | 0123456789 | a \| b | | | cannot be compared: no lock file |
        ");
    }
}
