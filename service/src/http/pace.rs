//! How fast is fast enough.

use std::time::Duration;

use ashlar_common::config;
use tokio::time::Instant;

/// What a client may take of the service by being there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at once.
    pub(crate) connections: usize,
    /// Between two requests.
    pub(crate) idle: Duration,
    /// From the first byte of a head to its last.
    pub(crate) head: Duration,
    /// The largest head.
    pub(crate) head_bytes: usize,
    /// How long something that moves may stand still.
    pub(crate) stall: Duration,
    /// How fast it must move beyond that.
    pub(crate) bytes_per_second: u32,
}

impl From<&config::limits::Limits> for Limits {
    fn from(limits: &config::limits::Limits) -> Self {
        let seconds = |count: u32| Duration::from_secs(count.into());
        Self {
            connections: limits.connections as usize,
            idle: seconds(limits.idle_seconds),
            head: seconds(limits.head_seconds),
            head_bytes: limits.head_bytes as usize,
            stall: seconds(limits.stall_seconds),
            bytes_per_second: limits.bytes_per_second,
        }
    }
}

/// Something that moves from or to a client: judged by its progress, so that large things may take longer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    since: Instant,
    moved: u64,
}

impl Pace {
    pub(crate) fn new(since: Instant) -> Self {
        Self { since, moved: 0 }
    }

    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    pub(crate) fn moved(&mut self, bytes: usize) {
        self.moved = self.moved.saturating_add(bytes as u64);
    }

    /// When more must have moved than has so far.
    pub(crate) fn deadline(&self, limits: &Limits) -> Instant {
        let earned = Duration::from_millis(self.moved.saturating_mul(1000) / u64::from(limits.bytes_per_second.max(1)));
        self.since + limits.stall + earned
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ashlar_common::config;
    use tokio::time::Instant;

    use super::{Limits, Pace};

    fn check(moved: usize, millis: u64) {
        let limits = Limits {
            stall: Duration::from_secs(10),
            bytes_per_second: 1000,
            ..Limits::from(&config::limits::Limits::default())
        };
        let since = Instant::now();
        let mut pace = Pace::new(since);
        pace.moved(moved);
        assert_eq!(pace.deadline(&limits), since + Duration::from_millis(millis), "{moved}");
    }

    #[test]
    fn what_moves_earns_its_time() {
        check(0, 10_000);
        // A byte a second earns nothing that counts.
        check(9, 10_009);
        check(1000, 11_000);
        check(5_000_000, 5_010_000);
    }
}
