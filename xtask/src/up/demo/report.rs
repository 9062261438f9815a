//! The closing table of the demonstration.

use std::{fmt::Write, time::Duration};

use anstyle::{AnsiColor, Style};

/// A step that is good.
pub const GOOD: Style = AnsiColor::Green.on_default().bold();
/// A step that is not.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
const HEAD: Style = Style::new().bold();

/// What came of one step.
#[derive(Clone, Debug)]
pub struct Row {
    /// The step.
    pub name: &'static str,
    /// What was checked; or what was expected and seen.
    pub outcome: Result<String, String>,
    /// How long it took.
    pub elapsed: Duration,
}

/// Whether all `steps` were run and are good.
#[must_use]
pub fn well(rows: &[Row], steps: usize) -> bool {
    steps > 0 && rows.len() == steps && rows.iter().all(|row| row.outcome.is_ok())
}

/// The table. Its last line is `N ok, N FAILED, N not run`, without styles, for whoever reads only that.
#[must_use]
pub fn table(rows: &[Row], steps: usize) -> String {
    let shown: Vec<(&Row, String)> = rows.iter().map(|row| (row, checked(row))).collect();
    let width = |head: &str, cells: &mut dyn Iterator<Item = usize>| cells.max().unwrap_or(0).max(head.len());
    let first = width("step", &mut rows.iter().map(|row| row.name.len()));
    let second = width("what was checked", &mut shown.iter().map(|(_, text)| text.chars().count()));
    let mut out =
        format!("\n{HEAD}{:<first$}  {:<second$}  {:>7}  result{HEAD:#}\n", "step", "what was checked", "time");
    for (row, text) in &shown {
        let (style, word) = if row.outcome.is_ok() { (GOOD, "ok") } else { (BAD, "FAILED") };
        let time = row.elapsed.as_secs_f64();
        let _ = writeln!(out, "{:<first$}  {text:<second$}  {time:>5.1} s  {style}{word}{style:#}", row.name);
    }
    let good = rows.iter().filter(|row| row.outcome.is_ok()).count();
    let _ = write!(out, "\n{good} ok, {} FAILED, {} not run\n", rows.len() - good, steps.saturating_sub(rows.len()));
    out
}

/// In the table a failure is one line; all of it was printed when it happened.
fn checked(row: &Row) -> String {
    const LONGEST: usize = 84;
    match &row.outcome {
        Ok(text) => text.clone(),
        Err(text) => text.lines().next().unwrap_or_default().chars().take(LONGEST).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Row, table, well};

    fn row(outcome: Result<&str, &str>) -> Row {
        let outcome = outcome.map(str::to_owned).map_err(str::to_owned);
        Row { name: "create", outcome, elapsed: Duration::from_millis(1234) }
    }

    #[test]
    fn steps_that_were_not_run_are_not_well() {
        assert!(well(&[row(Ok(""))], 1));
        assert!(!well(&[row(Ok(""))], 2));
        assert!(!well(&[row(Err(""))], 1));
        assert!(!well(&[], 0));
    }

    #[test]
    fn the_table_says_what_was_seen() {
        let rows = [row(Ok("it reads zero")), row(Err("expected 1, got 2\nmore"))];
        let plain = anstream::adapter::strip_str(&table(&rows, 3)).to_string();
        insta::assert_snapshot!(plain, @r"

        step    what was checked      time  result
        create  it reads zero        1.2 s  ok
        create  expected 1, got 2    1.2 s  FAILED

        1 ok, 1 FAILED, 1 not run
        ");
    }
}
