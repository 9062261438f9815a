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
    let step = (lease.length() / 40).min(Duration::from_millis(100));
    // Others wait for the margin from the end of the lease, which this notices up to a step late.
    let patience = rivals::margin(lease.length()) / 2;
    let mut held = lease.uptime();
    while lease.holds() {
        if over.load(Ordering::Acquire) {
            return;
        }
        held = lease.uptime();
        thread::sleep(step);
    }
    stop.cancel();
    while lease.uptime().saturating_sub(held) < patience {
        if over.load(Ordering::Acquire) {
            return;
        }
        thread::sleep(step);
    }
    if !over.load(Ordering::Acquire) {
        // What hangs may hold any lock, also that of the log; the exit code says it.
        std::process::exit(i32::from(FENCED));
    }
}
