//! The judgement for people: a table driver x feature, then what did not pass.

use std::{collections::BTreeMap, fmt::Write};

use anstyle::{AnsiColor, Style};

use super::{
    features::{Cell, Feature, cell, features},
    judge::{Judged, Judgement},
    results::{Case, Outcome},
};

const HEAD: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const QUIET: Style = Style::new().dimmed();
/// Lines of a failure that are shown; all of it is in the other forms.
const DETAIL_LINES: usize = 6;

/// The whole of it. Its last line says how it went.
#[must_use]
pub fn text(judgement: &Judgement) -> String {
    let mut out = String::new();
    table(judgement, &mut out);
    subjects(judgement, &mut out);
    failures(judgement, &mut out);
    let caught = judgement.mutants.iter().filter(|mutant| mutant.caught).count();
    let of = judgement.mutants.len();
    let _ = writeln!(out, "\nbroken drivers caught: {caught} of {of}; seed {}", judgement.seed);
    let _ = match judgement.passes() {
        true => writeln!(out, "\n{GOOD}compliant{GOOD:#}"),
        false => writeln!(out, "\n{BAD}not compliant{BAD:#}"),
    };
    out
}

fn all(judgement: &Judgement) -> Vec<&Judged> {
    judgement.drivers.iter().chain([&judgement.controls]).collect()
}

fn table(judgement: &Judgement, out: &mut String) {
    let columns = all(judgement);
    let cases: Vec<&Case> = columns.iter().flat_map(|column| &column.cases).collect();
    let rows = features(&cases);
    let first = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let width = |column: &Judged| column.name.len().max("unsupported".len());
    let _ = write!(out, "\n{HEAD}{:<first$}{HEAD:#}", "feature");
    for column in &columns {
        let _ = write!(out, "  {HEAD}{:<1$}{HEAD:#}", column.name, width(column));
    }
    out.push('\n');
    let mut optional = false;
    for row in &rows {
        if !row.required && !optional {
            optional = true;
            let _ = writeln!(out, "{QUIET}capabilities{QUIET:#}");
        }
        let _ = write!(out, "{:<first$}", row.name);
        for column in &columns {
            let (style, word) = shown(cell(&column.cases, row), row);
            let _ = write!(out, "  {style}{word:<0$}{style:#}", width(column));
        }
        out.push('\n');
    }
}

fn shown(cell: Cell, feature: &Feature) -> (Style, String) {
    match cell.worst {
        None if feature.required => (BAD, "NO CASE".to_owned()),
        None => (QUIET, "-".to_owned()),
        Some(Outcome::Passed) => (GOOD, format!("{} passed", cell.passed)),
        Some(Outcome::Unsupported) => (QUIET, "unsupported".to_owned()),
        Some(bad) => (BAD, format!("{} {}", cell.bad, bad.word())),
    }
}

/// A line for each driver in each configuration.
fn subjects(judgement: &Judgement, out: &mut String) {
    let mut by_subject: BTreeMap<&str, Vec<&Case>> = BTreeMap::new();
    for case in all(judgement).into_iter().flat_map(|judged| &judged.cases) {
        by_subject.entry(&case.subject).or_default().push(case);
    }
    let first = by_subject.keys().map(|name| name.len()).max().unwrap_or(0).max("subject".len());
    let _ = writeln!(
        out,
        "\n{HEAD}{:<first$}  {:>6}  {:>6}  {:>11}  {:>7}  {:>8}{HEAD:#}",
        "subject", "passed", "failed", "unsupported", "not run", "time"
    );
    for (subject, cases) in by_subject {
        let count = |wanted: &[Outcome]| cases.iter().filter(|case| wanted.contains(&case.outcome)).count();
        let (passed, failed) = (count(&[Outcome::Passed]), count(&[Outcome::Failed]));
        let (unsupported, not_run) = (count(&[Outcome::Unsupported]), count(&[Outcome::NotRun, Outcome::NoResult]));
        let milliseconds: u64 = cases.iter().map(|case| case.milliseconds).sum();
        let seconds = std::time::Duration::from_millis(milliseconds).as_secs_f64();
        let style = if failed + not_run == 0 { Style::new() } else { BAD };
        let _ = writeln!(
            out,
            "{style}{subject:<first$}  {passed:>6}  {failed:>6}  {unsupported:>11}  {not_run:>7}  {seconds:>6.1} s{style:#}"
        );
    }
}

fn failures(judgement: &Judgement, out: &mut String) {
    for judged in all(judgement) {
        for complaint in &judged.complaints {
            let _ = writeln!(out, "\n{BAD}{}{BAD:#}: {complaint}", judged.name);
        }
        for case in judged.cases.iter().filter(|case| !case.outcome.is_well()) {
            let Case { subject, number, name, .. } = case;
            let _ = writeln!(out, "\n{BAD}{}{BAD:#} {subject}: {number} {name}", case.outcome.word());
            for line in case.detail.lines().take(DETAIL_LINES) {
                let _ = writeln!(out, "  {line}");
            }
        }
    }
    for mutant in judgement.mutants.iter().filter(|mutant| !mutant.caught) {
        let _ = writeln!(out, "\n{BAD}SURVIVED{BAD:#} the driver that breaks {}: {}", mutant.breaks, mutant.name);
    }
}
