//! A plan for people.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};

use super::chain;
use crate::affected::plan::{Decision, Plan, Proof, State};

const RUN: Style = AnsiColor::Green.on_default().bold();
const PROVED: Style = AnsiColor::Cyan.on_default();
const SHOWN: Style = AnsiColor::Yellow.on_default();
const QUIET: Style = Style::new().dimmed();

/// The plan as a table: state, job, reason. Styled; the terminal's side drops styles where they do not belong.
#[must_use]
pub fn text(plan: &Plan) -> String {
    let mut out = match (&plan.every_job, plan.changed_paths) {
        (Some(_), _) => plan.compared.clone(),
        (None, 1) => format!("1 changed path, {}", plan.compared),
        (None, count) => format!("{count} changed paths, {}", plan.compared),
    };
    out.push('\n');
    if let Some((reason, mend)) = &plan.every_job {
        let _ = writeln!(out, "{SHOWN}every job runs{SHOWN:#}: {reason}\nto mend: {mend}");
    }
    out.push('\n');
    let width = plan.jobs.iter().map(|decision| decision.job.name.len()).max().unwrap_or(0);
    for decision in &plan.jobs {
        let (word, style) = word(decision);
        let reason = reason(decision, plan);
        let _ = writeln!(out, "  {style}{word:<7}{style:#}  {:<width$}  {QUIET}{reason}{QUIET:#}", decision.job.name);
    }
    let running = plan.jobs.iter().filter(|decision| decision.state == State::Run).count();
    let _ = writeln!(out, "\n{running} of {} jobs to run", plan.jobs.len());
    out
}

/// One job with what is known of it.
#[must_use]
pub fn one_job(decision: &Decision, plan: &Plan) -> String {
    let (word, style) = word(decision);
    let job = &decision.job;
    let vote = if decision.voting { "" } else { ", without a vote" };
    let mut out =
        format!("{style}{word}{style:#} {}{}\n", job.name, if decision.state == State::Run { vote } else { "" });
    let _ = writeln!(out, "  covers {}; runs `{}`", job.packages.join(", "), job.command);
    if decision.cause.is_none() {
        let _ = writeln!(out, "  {}", reason(decision, plan));
    }
    out
}

fn word(decision: &Decision) -> (&'static str, Style) {
    match (decision.state, decision.voting) {
        (State::Run, true) => ("run", RUN),
        (State::Run, false) => ("check", SHOWN),
        (State::Skipped, _) => ("skipped", SHOWN),
        (State::Proved, _) => ("proved", PROVED),
        (State::Unaffected, _) => ("-", QUIET),
    }
}

fn reason(decision: &Decision, plan: &Plan) -> String {
    if let Some(Proof { record, commit, .. }) = &decision.proof {
        let (record, commit) = (record.get(..12).unwrap_or(record), commit.get(..10).unwrap_or(commit));
        let cause = decision.cause.as_ref().map_or_else(String::new, |cause| format!("; changed: {}", cause.path));
        return format!("passed on the same inputs at {commit}, record {record}{cause}");
    }
    let policy = match (decision.state, decision.voting) {
        (State::Run, false) => "no vote: ",
        (State::Skipped, _) => "its team skips common changes: ",
        _ => "",
    };
    match (&decision.cause, &plan.every_job) {
        (Some(cause), _) => format!("{policy}{}", chain(cause)),
        (None, Some((reason, _))) => format!("{policy}{reason}"),
        (None, None) => "nothing that changed reaches it".to_owned(),
    }
}
