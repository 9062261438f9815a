//! What the audit saw, and the rate of misses that it allows to claim.

use std::fmt::Write;

use serde::Serialize;

/// The version of the JSON form.
const SCHEMA: u32 = 1;
/// How sure the bound is.
const CONFIDENCE: f64 = 0.95;

/// One job that was left out, and what it did when it ran all the same.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Shadow {
    /// What was done: `sabotage of PATH` or the commit.
    pub change: String,
    /// The job.
    pub job: String,
    /// How many jobs the plan kept, of how many.
    pub kept: (usize, usize),
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a job that was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It passed, as before: it was rightly left out.
    Passed,
    /// It failed, and it passes without the change: it should have run.
    Missed,
    /// It fails without the change as well, so that it tells nothing.
    RedBefore,
    /// It could not be run.
    NotRun,
}

/// All that an audit saw.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tally {
    /// The version of this form.
    pub schema: u32,
    /// The commit that was audited.
    pub commit: String,
    /// What the choice was made from.
    pub seed: u64,
    /// Each job that was run though it was left out.
    pub shadows: Vec<Shadow>,
    /// Changes for which the plan kept every job, so that nothing was to be shadowed.
    pub kept_all: usize,
    /// How many told something.
    pub told: usize,
    /// How many were missed.
    pub missed: usize,
    /// The share that may be missed at most, at 95 % confidence; 1 where nothing told anything.
    pub at_most: f64,
}

impl Tally {
    /// Counts.
    #[must_use]
    pub fn new(commit: String, seed: u64, kept_all: usize, shadows: Vec<Shadow>) -> Self {
        let missed = shadows.iter().filter(|shadow| shadow.outcome == Outcome::Missed).count();
        let told = missed + shadows.iter().filter(|shadow| shadow.outcome == Outcome::Passed).count();
        Self { schema: SCHEMA, commit, seed, shadows, kept_all, told, missed, at_most: at_most(missed, told) }
    }

    /// Whether nothing was missed, and something was looked at.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.missed == 0 && self.told > 0
    }

    /// The tally for people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::from("| change | job left out | plan | outcome |\n|---|---|---|---|\n");
        for Shadow { change, job, kept: (kept, all), outcome } in &self.shadows {
            let outcome = match outcome {
                Outcome::Passed => "passed",
                Outcome::Missed => "**MISSED**",
                Outcome::RedBefore => "red before as well",
                Outcome::NotRun => "could not be run",
            };
            let change = change.replace('|', "\\|");
            let _ = writeln!(out, "| {change} | {job} | {kept} of {all} | {outcome} |");
        }
        let _ = writeln!(
            out,
            "\n{} left out and run all the same, {} missed: at most {:.1} % at 95 % confidence (seed {}, commit {})",
            self.told,
            self.missed,
            self.at_most * 100.0,
            self.seed,
            self.commit.get(..10).unwrap_or(&self.commit),
        );
        if self.kept_all > 0 {
            let _ = writeln!(out, "{} more changes kept every job", self.kept_all);
        }
        out
    }
}

/// The upper end of the one-sided Clopper-Pearson interval: the rate at which so few misses, or fewer, would be seen in
/// one case out of twenty. <https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval>
fn at_most(missed: usize, told: usize) -> f64 {
    if missed >= told {
        return 1.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let rate = f64::midpoint(low, high);
        if chance_of_so_few(missed, told, rate) > 1.0 - CONFIDENCE { low = rate } else { high = rate }
    }
    high
}

/// The chance of at most `missed` among `told`, where each is missed with the chance `rate`.
fn chance_of_so_few(missed: usize, told: usize, rate: f64) -> f64 {
    let mut term = (1.0 - rate).powf(count(told));
    let mut sum = term;
    for index in 0..missed {
        term *= count(told - index) / count(index + 1) * rate / (1.0 - rate);
        sum += term;
    }
    sum
}

/// Counts of an audit are far below where a float loses digits.
fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Shadow, Tally, at_most};

    #[test]
    fn the_bound_is_that_of_the_tables() {
        // The rule of three, and two values of published tables.
        assert!((at_most(0, 100) - 0.0295).abs() < 1e-3);
        assert!((at_most(0, 10) - 0.2589).abs() < 1e-3);
        assert!((at_most(1, 20) - 0.2161).abs() < 1e-3);
        assert!((at_most(0, 0) - 1.0).abs() < 1e-9 && (at_most(3, 3) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn what_tells_nothing_is_not_counted() {
        let shadow = |outcome| Shadow { change: "a|b".to_owned(), job: "j".to_owned(), kept: (1, 5), outcome };
        let tally = Tally::new("c".repeat(40), 7, 2, vec![shadow(Outcome::RedBefore), shadow(Outcome::NotRun)]);
        assert!(!tally.is_clean() && tally.told == 0);
        let tally = Tally::new("c".repeat(40), 7, 0, vec![shadow(Outcome::Passed), shadow(Outcome::Missed)]);
        assert_eq!((tally.told, tally.missed, tally.is_clean()), (2, 1, false));
        assert!(tally.text().contains("a\\|b | j | 1 of 5 | **MISSED**"), "{}", tally.text());
    }
}
