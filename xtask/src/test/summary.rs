//! The closing table, and the totals in the last line.

use std::{fmt::Write, time::Duration};

use anstyle::{AnsiColor, Style};

use super::junit::Counts;

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// The job, or the check.
    pub name: String,
    /// What ran. A check without tests of its own counts as one.
    pub counts: Counts,
    /// How long it took.
    pub elapsed: Duration,
}

impl Row {
    /// A job: one that ran no test has failed, and so has one whose program failed though no test of it did.
    #[must_use]
    pub fn job(name: &str, success: bool, counts: Counts, elapsed: Duration) -> Self {
        let all_well = success && counts.passed > 0;
        let failed = if all_well { counts.failed } else { counts.failed.max(1) };
        Self { name: name.to_owned(), counts: Counts { failed, ..counts }, elapsed }
    }

    /// A job that could not begin, since the build failed.
    #[must_use]
    pub fn not_built(name: &str) -> Self {
        Self::job(name, false, Counts::default(), Duration::ZERO)
    }

    /// A check that passes or fails as one.
    #[must_use]
    pub fn check(name: &str, success: bool, elapsed: Duration) -> Self {
        let counts = Counts { passed: usize::from(success), failed: usize::from(!success) };
        Self { name: name.to_owned(), counts, elapsed }
    }
}

/// Whether all of it passed; nothing at all did not.
#[must_use]
pub fn passed(rows: &[Row]) -> bool {
    !rows.is_empty() && rows.iter().all(|row| row.counts.failed == 0)
}

/// The table. Its last line is `N passed, N failed`, without styles, for whoever reads only that.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    const HEAD: Style = Style::new().bold();
    const BAD: Style = AnsiColor::Red.on_default().bold();
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0).max("job".len());
    let mut out =
        format!("\n{HEAD}{:<width$}  {:>6}  {:>6}  {:>6}  {:>9}{HEAD:#}\n", "job", "tests", "passed", "failed", "time");
    for Row { name, counts: Counts { passed, failed }, elapsed } in rows {
        let style = if *failed == 0 { Style::new() } else { BAD };
        let (tests, time) = (passed + failed, elapsed.as_secs_f64());
        let _ = writeln!(out, "{style}{name:<width$}  {tests:>6}  {passed:>6}  {failed:>6}  {time:>7.1} s{style:#}");
    }
    let passed: usize = rows.iter().map(|row| row.counts.passed).sum();
    let failed: usize = rows.iter().map(|row| row.counts.failed).sum();
    let _ = write!(out, "\n{passed} passed, {failed} failed\n");
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Counts, Row, passed, table};

    const NONE: Counts = Counts { passed: 0, failed: 0 };

    #[test]
    fn a_job_that_ran_no_test_fails() {
        assert_eq!(Row::job("a", true, NONE, Duration::ZERO).counts.failed, 1);
        assert_eq!(Row::job("a", false, Counts { passed: 3, failed: 0 }, Duration::ZERO).counts.failed, 1);
        assert_eq!(Row::job("a", true, Counts { passed: 3, failed: 0 }, Duration::ZERO).counts.failed, 0);
    }

    #[test]
    fn nothing_is_no_success() {
        assert!(!passed(&[]));
    }

    #[test]
    fn the_last_line_is_the_totals_alone() {
        let rows = [
            Row::check("lint", true, Duration::from_millis(1500)),
            Row::job("a", true, Counts { passed: 3, failed: 1 }, Duration::ZERO),
        ];
        assert_eq!(table(&rows).lines().last(), Some("4 passed, 1 failed"));
        assert!(!passed(&rows));
    }
}
