//! Ends a process whose lease is over and whose driver calls do not end.
//!
//! A thread of its own, since whatever keeps the runtime from working must not keep this from it: a process that was
//! stopped for an hour and is continued finds its lease long over, and is gone before it does anything else.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::main::FENCED;
use crate::{driver::Lease, manager::rivals};

/// The thread; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Watchdog(Arc<AtomicBool>);

impl Watchdog {
    /// Fires `stop` when the lease is over, and ends the process when it has not ended by itself soon after that.
    pub(super) fn start(lease: Lease, stop: CancellationToken) -> io::Result<Self> {
        let over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&over);
        thread::Builder::new().name("watchdog".to_owned()).spawn(move || watch(&lease, &stop, &told))?;
        Ok(Self(over))
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

fn watch(lease: &Lease, stop: &CancellationToken, over: &AtomicBool) {
    if must_end(lease, stop, over) {
        // What hangs may hold any lock, also that of the log; the exit code says it.
        std::process::exit(i32::from(FENCED));
    }
}

/// Returns when the process has seen to its end itself, or else when it must be ended: `true`.
fn must_end(lease: &Lease, stop: &CancellationToken, over: &AtomicBool) -> bool {
    let step = (lease.length() / 40).min(Duration::from_millis(100));
    // Others wait for the margin from the end of the lease, which this notices up to a step late.
    let patience = rivals::margin(lease.length()) / 2;
    let mut held = lease.uptime();
    while lease.holds() {
        if over.load(Ordering::Acquire) {
            return false;
        }
        held = lease.uptime();
        thread::sleep(step);
    }
    stop.cancel();
    while !over.load(Ordering::Acquire) {
        if lease.uptime().saturating_sub(held) >= patience {
            return true;
        }
        thread::sleep(step);
    }
    false
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, AtomicU64, Ordering},
        time::Duration,
    };

    use tokio_util::sync::CancellationToken;

    use super::must_end;
    use crate::driver::Lease;

    /// A lease of so many milliseconds by a clock that advances that much with each look.
    fn lease(millis: u64, step: u64) -> Lease {
        let clock = AtomicU64::new(0);
        let uptime = move || Duration::from_millis(clock.fetch_add(step, Ordering::Relaxed));
        Lease::new(Duration::from_millis(millis), Duration::ZERO, uptime)
    }

    #[test]
    fn a_process_whose_calls_do_not_end_is_ended() {
        let stop = CancellationToken::new();
        assert!(must_end(&lease(40, 5), &stop, &AtomicBool::new(false)));
        assert!(stop.is_cancelled(), "it was told first");
    }

    #[test]
    fn one_that_was_stopped_for_hours_is_ended_at_the_first_look() {
        assert!(must_end(&lease(40, 3_600_000), &CancellationToken::new(), &AtomicBool::new(false)));
    }

    #[test]
    fn one_that_ends_by_itself_is_let_alone() {
        let stop = CancellationToken::new();
        assert!(!must_end(&lease(40, 1), &stop, &AtomicBool::new(true)));
        assert!(!stop.is_cancelled());
    }
}
