//! How fast a line moves, and so how long it is: pure.

/// Seconds that are looked back on.
const WINDOW: usize = 8;
/// The longest that anybody is told to wait: what stands still now may move by then.
const LONGEST: u64 = 30;

/// What ended in each of the last seconds.
#[derive(Debug, Default)]
pub(super) struct Drain {
    counts: [u64; WINDOW],
    latest: u64,
}

impl Drain {
    /// One more has ended, in this second of the process's life.
    pub(super) fn ended(&mut self, second: u64) {
        self.forget(second);
        self.counts[Self::at(second)] += 1;
    }

    /// Seconds until the line has moved on by `ahead` and one more: at least one.
    pub(super) fn seconds(&mut self, second: u64, ahead: u64) -> u64 {
        self.forget(second);
        let ended: u64 = self.counts.iter().sum();
        match ended {
            0 => LONGEST,
            _ => ahead.saturating_add(1).saturating_mul(WINDOW as u64).div_ceil(ended).clamp(1, LONGEST),
        }
    }

    fn forget(&mut self, second: u64) {
        let passed = second.saturating_sub(self.latest).min(WINDOW as u64);
        for ago in 0..passed {
            self.counts[Self::at(second - ago)] = 0;
        }
        self.latest = self.latest.max(second);
    }

    fn at(second: u64) -> usize {
        // It always fits: it is less than the window.
        usize::try_from(second % WINDOW as u64).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Drain, LONGEST};

    /// A line of which `ended` ended in second 100, seen `later` with `ahead` in it.
    fn check(ended: u64, later: u64, ahead: u64, seconds: u64) {
        let mut drain = Drain::default();
        for _ in 0..ended {
            drain.ended(100);
        }
        assert_eq!(drain.seconds(100 + later, ahead), seconds, "{ended} {later} {ahead}");
    }

    #[test]
    fn a_line_that_moves_is_as_long_as_it_takes() {
        check(800, 0, 0, 1);
        check(800, 7, 99, 1);
        check(800, 7, 999, 10);
        check(8, 7, 4, 5);
    }

    #[test]
    fn nobody_waits_for_ever() {
        check(0, 0, 0, LONGEST);
        check(1, 0, 1000, LONGEST);
        check(1, 0, u64::MAX, LONGEST);
    }

    #[test]
    fn what_was_is_forgotten() {
        check(800, 8, 0, LONGEST);
        check(800, 1_000_000, 0, LONGEST);
    }
}
