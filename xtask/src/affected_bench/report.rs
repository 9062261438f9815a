//! The table and the lists, for people, for programs and for a document.

use std::fmt::Write;

use serde::Serialize;

use super::score::{Finding, Judged, Row, Totals, extras, misses, row, totals};

/// All that the bench found out.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    /// The version of this form: 1.
    schema: u32,
    /// How it was called: seed, cases.
    pub(super) drawn: String,
    /// What the cases come to.
    pub(super) totals: Totals,
    /// A row for each tool.
    pub(super) rows: Vec<Row>,
    /// Peers that could not be asked, and why.
    pub(super) absent: Vec<String>,
    /// Ours: every job that was left out and needed.
    pub(super) misses: Vec<Of>,
    /// Ours: every job that was run without need.
    pub(super) extras: Vec<Of>,
}

/// Findings of one tool.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Of {
    /// Which tool.
    tool: String,
    /// What it got wrong.
    findings: Vec<Finding>,
}

impl Report {
    /// Sums up. The first `ours` tools are ours: their misses and extras are listed.
    pub(super) fn new(drawn: String, tools: &[String], ours: usize, judged: &[Judged], absent: Vec<String>) -> Self {
        let of = |list: fn(usize, &[Judged]) -> Vec<Finding>| {
            let rows = tools.iter().enumerate().take(ours);
            rows.map(|(index, tool)| Of { tool: tool.clone(), findings: list(index, judged) }).collect()
        };
        Self {
            schema: 1,
            drawn,
            totals: totals(judged),
            rows: tools.iter().enumerate().map(|(index, tool)| row(tool, index, judged)).collect(),
            absent,
            misses: of(misses),
            extras: of(extras),
        }
    }

    /// Whether ours missed nothing.
    pub(super) fn is_sound(&self) -> bool {
        self.misses.iter().all(|of| of.findings.is_empty())
    }
}

/// The table in Markdown, for a document.
pub(super) fn markdown(report: &Report) -> String {
    let Totals { cases, needed, jobs, red, .. } = report.totals;
    let mut out = format!(
        "{cases} cases ({}); {needed} of {jobs} jobs are needed, and in {red} cases one turns red.\n\n| tool | exact | \
         exact but for policy | unsound cases | fatal | extra jobs | of these by policy |\n\
         |---|---:|---:|---:|---:|---:|---:|\n",
        report.drawn
    );
    for row in &report.rows {
        let Row { tool, exact, exact_but_for_policy, unsound, fatal, extra, extra_by_policy, refused, .. } = row;
        let refused = if *refused > 0 { format!(" (stops {refused} times)") } else { String::new() };
        let _ = writeln!(
            out,
            "| {tool}{refused} | {exact} | {exact_but_for_policy} | {unsound} | {fatal} | {extra} | {extra_by_policy} |"
        );
    }
    for absent in &report.absent {
        let _ = writeln!(out, "| {absent} | | | | | | |");
    }
    out
}

/// The table and the lists, for a terminal. The last line is `N ok, N FAILED, N not run`, as of the
/// demonstration, for whoever reads only that.
pub(super) fn text(report: &Report, planned: usize) -> String {
    let Totals { cases, needed, jobs, red, surprises } = report.totals;
    let width = report.rows.iter().map(|row| row.tool.len()).max().unwrap_or(0).max(4);
    let mut out = String::new();
    for (title, lists) in [("extra", &report.extras), ("MISSED", &report.misses)] {
        for Of { tool, findings } in lists {
            for Finding { case, edits, job, why } in findings {
                let _ = writeln!(out, "{title} by {tool}: {job} in {case} ({edits}): {why}");
            }
        }
    }
    let _ = write!(
        out,
        "\n{cases} cases ({}); {needed} of {jobs} jobs needed, {red} cases turn a job red\n\n{:<width$} {:>6} {:>8} {:>8} \
         {:>6} {:>6} {:>10} {:>8}\n",
        report.drawn, "tool", "exact", "+policy", "unsound", "fatal", "extra", "by policy", "refused"
    );
    for row in &report.rows {
        let Row { tool, exact, exact_but_for_policy, unsound, fatal, extra, extra_by_policy, refused, .. } = row;
        let _ = writeln!(
            out,
            "{tool:<width$} {exact:>6} {exact_but_for_policy:>8} {unsound:>8} {fatal:>6} {extra:>6} \
             {extra_by_policy:>10} {refused:>8}"
        );
    }
    for row in &report.rows {
        if let Some(said) = &row.refusal {
            let said = said
                .lines()
                .find(|line| line.contains("message") || line.starts_with("error"))
                .or(said.lines().next())
                .unwrap_or_default();
            let _ = writeln!(out, "{} refused {} cases, first with: {said}", row.tool, row.refused);
        }
    }
    for absent in &report.absent {
        let _ = writeln!(out, "{absent}");
    }
    if surprises > 0 {
        let _ = writeln!(out, "{surprises} outcomes differed though neither build nor trace hinted at it");
    }
    let unsound = report.unsound_cases();
    let _ = write!(out, "\n{} ok, {unsound} FAILED, {} not run\n", cases - unsound, planned.saturating_sub(cases));
    out
}

impl Report {
    /// Cases in which any of ours missed a job.
    pub(super) fn unsound_cases(&self) -> usize {
        let cases = self.misses.iter().flat_map(|of| of.findings.iter().map(|finding| finding.case.as_str()));
        cases.collect::<std::collections::BTreeSet<&str>>().len()
    }
}
