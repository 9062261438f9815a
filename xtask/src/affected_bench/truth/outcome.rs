//! What came of a job: which of its tests passed.

use std::collections::BTreeMap;

/// The outcome of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::affected_bench) struct Outcome {
    /// Whether the job as a whole passed.
    pub(in crate::affected_bench) green: bool,
    /// Each test that ran, and whether it passed.
    pub(in crate::affected_bench) tests: BTreeMap<String, bool>,
}

impl Outcome {
    /// A job of which nothing but its end is known.
    pub(super) fn bare(green: bool) -> Self {
        Self { green, tests: BTreeMap::new() }
    }

    /// Reads what nextest printed with `--status-level all`: `PASS [ 0.005s] (1/5) binary test`.
    pub(super) fn parse(green: bool, said: &str) -> Self {
        let mut tests = BTreeMap::new();
        for line in said.lines() {
            let line = line.trim_start();
            let Some((status, rest)) = line.split_once(' ') else { continue };
            let Some((_, after)) = rest.split_once(']').filter(|_| rest.trim_start().starts_with('[')) else {
                continue;
            };
            let after = after.trim_start();
            let name = match after.strip_prefix('(').and_then(|rest| rest.split_once(") ")) {
                Some((_, name)) => name,
                None => after,
            };
            if matches!(status, "PASS" | "FAIL" | "TIMEOUT" | "ABORT" | "SIGSEGV" | "SIGABRT" | "LEAK") {
                tests.insert(name.trim().to_owned(), matches!(status, "PASS" | "LEAK"));
            }
        }
        Self { green, tests }
    }

    /// What is not as in `base`.
    pub(super) fn differs_from(&self, base: &Self) -> Option<String> {
        if self.green != base.green {
            return Some(if self.green { "it passes now" } else { "it fails now" }.to_owned());
        }
        let changed = self.tests.iter().find(|(test, passed)| base.tests.get(*test) != Some(*passed));
        let gone = || base.tests.keys().find(|test| !self.tests.contains_key(*test));
        let name = changed.map(|(test, _)| test).or_else(gone)?;
        Some(format!("{name} comes out otherwise"))
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome;

    const SAID: &str = "────────────
    Starting 2 tests across 1 binary
        PASS [   0.005s] (1/2) driver-lvm::it own
        FAIL [   0.006s] (2/2) driver-lvm::it far
     Summary [   0.011s] 2 tests run: 1 passed, 1 failed, 0 skipped
        FAIL [   0.006s] (2/2) driver-lvm::it far
";

    #[test]
    fn tests_are_told_with_their_end() {
        let outcome = Outcome::parse(false, SAID);
        let tests: Vec<(&str, bool)> = outcome.tests.iter().map(|(name, passed)| (name.as_str(), *passed)).collect();
        assert_eq!(tests, [("driver-lvm::it far", false), ("driver-lvm::it own", true)]);
    }

    #[test]
    fn a_test_that_ends_otherwise_comes_or_goes_is_a_difference() {
        let base = Outcome::parse(false, SAID);
        assert_eq!(base.differs_from(&base), None);
        assert!(Outcome::parse(false, &SAID.replace("FAIL", "PASS")).differs_from(&base).is_some());
        assert!(Outcome::parse(false, "").differs_from(&base).is_some());
        assert!(base.differs_from(&Outcome::parse(false, "")).is_some());
    }
}
