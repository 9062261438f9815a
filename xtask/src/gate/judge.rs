//! The judgement of a plan by its jobs' reports. Pure.

use serde::Serialize;

use super::reports::Report;
use crate::{
    affected::render::json::{Document, PlannedState},
    test::summary::{Row, passed},
};

/// What came of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// All its tests ran and passed.
    Passed,
    /// A test failed.
    Failed,
    /// There is no report.
    Missing,
    /// There is a report that cannot be read.
    Unreadable,
    /// The report names no test that ran.
    NoTest,
    /// The report names tests that did not run.
    NotRun,
    /// The plan leaves it out, by its team's policy.
    Skipped,
    /// The plan leaves it out: it passed on the same inputs before.
    Proved,
    /// The plan leaves it out: nothing that changed reaches it.
    Unaffected,
    /// The plan leaves it out, and a report shows it failed: the plan may have been wrong.
    Incident,
}

/// One job, judged.
#[derive(Clone, Debug, Serialize)]
pub struct Judged {
    /// The job.
    pub name: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Whether that counts.
    pub voting: bool,
    /// Whether it stops the change.
    pub stops: bool,
    /// Tests that ran and passed.
    pub passed: usize,
    /// Tests that ran and failed.
    pub failed: usize,
    /// Tests that the report names and that did not run.
    pub not_run: usize,
    /// More to know, for people.
    pub note: Option<String>,
}

/// Judges every job of the plan; `report` gives what was found of a job.
#[must_use]
pub fn judge(plan: &Document, report: impl Fn(&str) -> Report) -> Vec<Judged> {
    let judged = plan.jobs.iter().map(|job| {
        let report = report(&job.name);
        let (counts, not_run) = report.counts();
        let outcome = match (job.state, &report) {
            (PlannedState::Run, Report::Missing) => Outcome::Missing,
            (PlannedState::Run, Report::Unreadable(_)) => Outcome::Unreadable,
            (PlannedState::Run, Report::Read { .. }) if counts.failed > 0 => Outcome::Failed,
            (PlannedState::Run, Report::Read { .. }) if counts.passed == 0 && not_run == 0 => Outcome::NoTest,
            (PlannedState::Run, Report::Read { .. }) if not_run > 0 => Outcome::NotRun,
            (PlannedState::Run, Report::Read { .. }) => Outcome::Passed,
            (_, Report::Read { .. }) if counts.failed > 0 => Outcome::Incident,
            (PlannedState::Skipped, _) => Outcome::Skipped,
            (PlannedState::Proved, _) => Outcome::Proved,
            (PlannedState::Unaffected, _) => Outcome::Unaffected,
        };
        let planned = job.state == PlannedState::Run;
        Judged {
            name: job.name.clone(),
            outcome,
            voting: planned && job.voting,
            stops: planned && job.voting && outcome != Outcome::Passed,
            passed: counts.passed,
            failed: counts.failed,
            not_run,
            note: match report {
                Report::Unreadable(why) => Some(why),
                _ => job.proof.as_ref().map(|proof| format!("record {}", proof.record)),
            },
        }
    });
    judged.collect()
}

/// The lints as one job more, that always votes.
#[must_use]
pub fn lint(checked: &[Row]) -> Judged {
    let failed: Vec<&str> =
        checked.iter().filter(|row| row.counts.failed > 0).map(|row| row.name.trim_start_matches("lint: ")).collect();
    let passed = passed(checked);
    Judged {
        name: "lint".to_owned(),
        outcome: if passed { Outcome::Passed } else { Outcome::Failed },
        voting: true,
        stops: !passed,
        passed: checked.len() - failed.len(),
        failed: failed.len(),
        not_run: 0,
        note: (!failed.is_empty()).then(|| failed.join(", ")),
    }
}

/// Whether the change may go in.
#[must_use]
pub fn passes(judged: &[Judged]) -> bool {
    !judged.is_empty() && judged.iter().all(|job| !job.stops)
}
