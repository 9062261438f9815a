//! A token bucket: how often, or how much, in a second.

use std::time::{Duration, Instant};

/// The longest time whose tokens are kept for later: what a client may get above the limit after a pause.
const BURST: Duration = Duration::from_millis(50);

/// Tokens that come at a rate. Asking takes as many as are needed, into debt if there is one at least.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: u64,
    /// When the tokens are all paid back; earlier than now while there are some.
    even: Instant,
}

impl Bucket {
    pub(super) fn new(rate: u64, now: Instant) -> Self {
        Self { rate: rate.max(1), even: now }
    }

    /// How long to wait before asking again; zero if it may be done now.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        self.even.saturating_duration_since(now)
    }

    /// Takes tokens.
    pub(super) fn take(&mut self, cost: u64, now: Instant) {
        let kept = now.checked_sub(BURST).unwrap_or(now);
        let nanoseconds = u128::from(cost) * 1_000_000_000 / u128::from(self.rate);
        let price = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        self.even = self.even.max(kept) + price;
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Bucket;

    #[test]
    fn a_minute_gives_a_minutes_tokens() {
        let start = Instant::now();
        let mut bucket = Bucket::new(100, start);
        let mut now = start;
        let mut done = 0;
        while now < start + Duration::from_secs(60) {
            now += bucket.wait(now);
            bucket.take(1, now);
            done += 1;
        }
        assert!((5990..=6010).contains(&done), "{done}");
    }
}
