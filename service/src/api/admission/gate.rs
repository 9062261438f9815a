//! A line before a number of places.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use ashlar_common::config::limits::Limits;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::Instant,
};

use super::drain::Drain;

/// Lets so many units in at once, and so many requests wait, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Gate {
    units: u32,
    free: Semaphore,
    may_wait: u32,
    waiting: AtomicU32,
    patience: Duration,
    born: Instant,
    drain: Mutex<Drain>,
}

/// The place of a request that is worked on.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    gate: &'a Gate,
    _units: SemaphorePermit<'a>,
}

/// There is no place, and none to wait at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full {
    /// Seconds after which there may be.
    pub(crate) retry_after: u64,
}

/// One who waits.
struct Waiter<'a>(&'a Gate);

impl Gate {
    pub(super) fn new(units: u32, limits: &Limits) -> Self {
        Self {
            units,
            free: Semaphore::new(units as usize),
            may_wait: limits.waiting,
            waiting: AtomicU32::new(0),
            patience: Duration::from_secs(limits.waiting_seconds.into()),
            born: Instant::now(),
            drain: Mutex::default(),
        }
    }

    /// Units at work.
    pub(crate) fn in_flight(&self) -> u32 {
        let free = u32::try_from(self.free.available_permits()).unwrap_or(u32::MAX);
        self.units.saturating_sub(free)
    }

    /// Requests that wait.
    pub(crate) fn waiting(&self) -> u32 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// A place, once it is this request's turn.
    ///
    /// # Errors
    /// [`Full`]: nobody more may wait, or it has taken too long.
    pub(super) async fn enter(&self, units: u32) -> Result<Place<'_>, Full> {
        // One that costs more than there is gets all of it.
        let units = units.min(self.units);
        // Where somebody waits nothing is free, so nobody is overtaken here.
        if let Ok(units) = self.free.try_acquire_many(units) {
            return Ok(Place { gate: self, _units: units });
        }
        let _waiter = Waiter::new(self).ok_or_else(|| self.full())?;
        match tokio::time::timeout(self.patience, self.free.acquire_many(units)).await {
            Ok(Ok(units)) => Ok(Place { gate: self, _units: units }),
            // It is never closed; to be full is the safe answer.
            Ok(Err(_)) | Err(_) => Err(self.full()),
        }
    }

    fn full(&self) -> Full {
        let ahead = u64::from(self.waiting());
        Full { retry_after: self.drained().seconds(self.second(), ahead) }
    }

    fn drained(&self) -> std::sync::MutexGuard<'_, Drain> {
        self.drain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn second(&self) -> u64 {
        self.born.elapsed().as_secs()
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let second = self.gate.second();
        self.gate.drained().ended(second);
    }
}

impl<'a> Waiter<'a> {
    fn new(gate: &'a Gate) -> Option<Self> {
        let one_more = |waiting| (waiting < gate.may_wait).then_some(waiting + 1);
        gate.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(Self(gate))
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use ashlar_common::config::limits::Limits;
    use tokio::task::yield_now;

    use super::Gate;

    fn gate(units: u32, waiting: u32) -> Gate {
        Gate::new(units, &Limits { waiting, ..Limits::default() })
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_units_are_in_and_so_many_requests_wait() {
        let gate = gate(4, 1);
        let (one, three) = (gate.enter(1).await.expect("a place"), gate.enter(3).await.expect("a place"));
        assert_eq!((gate.in_flight(), gate.waiting()), (4, 0));
        let (waits, second) = tokio::join!(gate.enter(1), async {
            yield_now().await;
            assert_eq!(gate.waiting(), 1);
            let refused = gate.enter(1).await.map(drop);
            drop(one);
            refused
        });
        let waits = waits.expect("its turn came");
        assert!(second.expect_err("no place to wait").retry_after >= 1);
        drop((three, waits));
        assert_eq!((gate.in_flight(), gate.waiting()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_said() {
        let gate = gate(1, 10);
        let _held = gate.enter(1).await.expect("a place");
        // The clock is virtual: it moves on as soon as nobody has anything else to do.
        gate.enter(1).await.expect_err("too long");
        assert_eq!(gate.waiting(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_costs_more_than_all_gets_all() {
        let gate = gate(4, 1);
        let all = gate.enter(1000).await.expect("a place");
        assert_eq!(gate.in_flight(), 4);
        drop(all);
    }
}
