//! The judgement for people and for programs.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use serde::Serialize;

use super::judge::{Judged, Outcome, passes};

const SCHEMA: u32 = 1;
const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const SHOWN: Style = AnsiColor::Yellow.on_default();
const QUIET: Style = Style::new().dimmed();

/// The judgement as a table; its last line says whether the change may go in.
#[must_use]
pub fn text(judged: &[Judged]) -> String {
    let width = judged.iter().map(|job| job.name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for job in judged {
        let style = match (job.outcome, job.stops) {
            (_, true) => BAD,
            (Outcome::Passed | Outcome::Proved, _) => GOOD,
            (Outcome::Unaffected, _) => QUIET,
            _ => SHOWN,
        };
        let vote =
            if matches!(job.outcome, Outcome::Skipped | Outcome::Proved | Outcome::Unaffected | Outcome::Incident)
                || job.voting
            {
                ""
            } else {
                " (no vote)"
            };
        let note = job.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
        let said = told(job);
        let _ = writeln!(out, "  {style}{:<10}{style:#}  {:<width$}  {said}{vote}{note}", word(job.outcome), job.name);
    }
    let stopping: Vec<&str> = judged.iter().filter(|job| job.stops).map(|job| job.name.as_str()).collect();
    let _ = match (passes(judged), judged.iter().any(|job| job.voting)) {
        (true, true) => writeln!(out, "\n{GOOD}the gate is open{GOOD:#}"),
        (true, false) => writeln!(out, "\n{GOOD}the gate is open{GOOD:#}: the plan demands no job that votes"),
        (false, _) => writeln!(out, "\n{BAD}the gate is shut{BAD:#} by {}", stopping.join(", ")),
    };
    out
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "FAILED",
        Outcome::Missing => "MISSING",
        Outcome::Unreadable => "UNREADABLE",
        Outcome::NoTest => "NO TEST",
        Outcome::NotRun => "NOT RUN",
        Outcome::Skipped => "skipped",
        Outcome::Proved => "proved",
        Outcome::Unaffected => "-",
        Outcome::Incident => "incident",
    }
}

fn told(job: &Judged) -> String {
    let Judged { passed, failed, not_run, .. } = job;
    match job.outcome {
        Outcome::Passed | Outcome::Failed | Outcome::NotRun => {
            let rest = if *not_run > 0 { format!(", {not_run} did not run") } else { String::new() };
            format!("{passed} passed, {failed} failed{rest}")
        }
        Outcome::Missing => "it was to run and left no report".to_owned(),
        Outcome::Unreadable => "its report cannot be read".to_owned(),
        Outcome::NoTest => "its report names no test".to_owned(),
        Outcome::Skipped => "its team skips common changes".to_owned(),
        Outcome::Proved => "passed on the same inputs before".to_owned(),
        Outcome::Unaffected => "nothing that changed reaches it".to_owned(),
        Outcome::Incident => format!("left out, and {failed} failed: is it the change, and did the plan miss it?"),
    }
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    passes: bool,
    jobs: &'a [Judged],
}

/// The judgement as one JSON document, with a newline at its end.
///
/// # Errors
/// None that a judgement can cause.
pub fn json(judged: &[Judged]) -> Result<String> {
    Ok(serde_json::to_string_pretty(&Document { schema: SCHEMA, passes: passes(judged), jobs: judged })? + "\n")
}
