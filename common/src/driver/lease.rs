//! The right to touch a backend. It ends by itself, so that another process may take it without asking.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// What `until` is once the lease is over. No lease lasts to it.
const OVER: u64 = 0;

/// The right of this process to touch its backend, until it has not been renewed for too long.
///
/// Judged by this process's own uptime alone, which goes on while the machine sleeps and while the process is stopped:
/// who wakes up late finds the lease over before it does anything else. A lease that is over stays so.
#[derive(Clone)]
pub struct Lease(Arc<Inner>);

struct Inner {
    uptime: Box<dyn Fn() -> Duration + Send + Sync>,
    length: Duration,
    /// Microseconds of uptime.
    until: AtomicU64,
}

impl Lease {
    /// A lease of that length, begun when `uptime` showed `asked`.
    pub fn new(length: Duration, asked: Duration, uptime: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        let until = AtomicU64::new(micros(asked.saturating_add(length)));
        Self(Arc::new(Inner { uptime: Box::new(uptime), length, until }))
    }

    /// How long it lasts after a renewal.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.0.length
    }

    /// Whether the backend may be touched now.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.left().is_zero()
    }

    /// For how long it lasts yet; zero when it is over.
    #[must_use]
    pub fn left(&self) -> Duration {
        let until = self.0.until.load(Ordering::Acquire);
        let left = Duration::from_micros(until).saturating_sub((self.0.uptime)());
        if left.is_zero() {
            self.end();
        }
        left
    }

    /// What the process's uptime shows: what a renewal counts from is taken before it is asked for.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        (self.0.uptime)()
    }

    /// It was renewed by a transaction that began when the uptime showed `asked`. Says whether it holds: one that ended
    /// meanwhile is not begun again.
    pub fn renewed(&self, asked: Duration) -> bool {
        if !self.holds() {
            return false;
        }
        let until = micros(asked.saturating_add(self.0.length));
        let longer = |before: u64| (before != OVER).then(|| before.max(until));
        self.0.until.fetch_update(Ordering::AcqRel, Ordering::Acquire, longer).is_ok() && self.holds()
    }

    /// Ends it at once: another process has the backend, or this one gives it up.
    pub fn end(&self) {
        self.0.until.store(OVER, Ordering::Release);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("length", &self.0.length).field("left", &self.left()).finish()
    }
}

fn micros(uptime: Duration) -> u64 {
    u64::try_from(uptime.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicU64, Ordering},
        },
        time::Duration,
    };

    use super::Lease;

    /// A lease of ten seconds from 100 s of uptime, and the clock.
    fn lease() -> (Lease, Arc<AtomicU64>) {
        let clock = Arc::new(AtomicU64::new(100));
        let shown = Arc::clone(&clock);
        let uptime = move || Duration::from_secs(shown.load(Ordering::Relaxed));
        (Lease::new(Duration::from_secs(10), Duration::from_secs(100), uptime), clock)
    }

    #[test]
    fn it_lasts_from_the_asking_and_not_from_the_answer() {
        let (lease, clock) = lease();
        clock.store(109, Ordering::Relaxed);
        assert!(lease.holds());
        assert!(lease.renewed(Duration::from_secs(105)));
        assert_eq!(lease.left(), Duration::from_secs(6));
        clock.store(115, Ordering::Relaxed);
        assert!(!lease.holds());
    }

    #[test]
    fn once_over_it_stays_over() {
        let (lease, clock) = lease();
        clock.store(110, Ordering::Relaxed);
        assert!(!lease.renewed(Duration::from_secs(109)), "the answer came too late");
        clock.store(109, Ordering::Relaxed);
        assert!(!lease.holds());
        assert!(!lease.renewed(Duration::from_secs(109)));
    }

    #[test]
    fn an_older_renewal_that_is_answered_later_shortens_nothing() {
        let (lease, _clock) = lease();
        assert!(lease.renewed(Duration::from_secs(99)));
        assert_eq!(lease.left(), Duration::from_secs(10));
    }
}
