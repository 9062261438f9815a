//! The place of a process in the world: it dies there, and is started there again.

use std::{
    io,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use ashlar_common::{config::Config, ids::BackendName, manager::Intake, store::Location};
use tokio::task::JoinHandle;

use crate::{
    api::{self, Door},
    fabric::{Fabric, Place},
    host::Host,
    plan::{BackendPlan, Fault},
    process::Process,
    surroundings::Identity,
};

/// Clocks are wrong by no more than this many microseconds: three hours.
const WRONG: i64 = 3 * 3600 * 1_000_000;

/// What runs in a place.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Api(Door),
    Host(BackendName, BackendPlan),
}

/// A place.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) identity: Identity,
    pub(crate) kind: Kind,
    running: Option<(Process, JoinHandle<()>)>,
    start_at: Duration,
}

impl Slot {
    pub(crate) fn new(fabric: &Arc<Fabric>, place: Place, name: String, kind: Kind) -> Self {
        let identity = Identity {
            fabric: Arc::clone(fabric),
            place,
            name,
            skew: Arc::new(AtomicI64::new(0)),
            memory: Arc::new(AtomicU32::new(0)),
        };
        identity.set_clock();
        Self { identity, kind, running: None, start_at: Duration::ZERO }
    }

    /// Gives the process its step, starting it where it is time to. Says whether it ended.
    pub(crate) fn step(&mut self, now: Duration, config: &Arc<Config>, location: &Location) -> io::Result<bool> {
        if self.running.is_none() && self.start_at <= now {
            self.start(now, config, location)?;
        }
        let Some((process, main)) = self.running.as_mut() else { return Ok(false) };
        if process.stands_until <= now {
            process.step(now);
        }
        Ok(main.is_finished())
    }

    fn start(&mut self, now: Duration, config: &Arc<Config>, location: &Location) -> io::Result<()> {
        let (identity, config, location) = (self.identity.clone(), Arc::clone(config), location.clone());
        let started = match self.kind.clone() {
            Kind::Api(door) => Process::start(now, api::main(identity, config, location, door))?,
            Kind::Host(backend, plan) => Process::start(now, Host { identity, backend, plan, config }.main(location))?,
        };
        self.running = Some(started);
        Ok(())
    }

    /// Ends the process with all that it holds, as a power cut would; it is started again after `pause`.
    pub(crate) fn kill(&mut self, now: Duration, pause: Duration) {
        self.running = None;
        self.start_at = now + pause;
        if let Kind::Api(door) = &self.kind {
            *door.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        let place = self.identity.place;
        let mut inner = self.identity.fabric.inner();
        inner.locks.retain(|_, holder| *holder != place);
        inner.ears.remove(&place);
        inner.doomed.remove(&place);
    }

    pub(crate) fn stand_still(&mut self, until: Duration) {
        if let Some((process, _)) = self.running.as_mut() {
            process.stands_until = until;
        }
    }

    /// The request side with the runtime that it lives in, where there is one.
    pub(crate) fn intake(&self) -> Option<(Intake, &tokio::runtime::Handle)> {
        let Kind::Api(door) = &self.kind else { return None };
        let intake = door.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        self.running.as_ref().map(|(process, _)| (intake, process.handle()))
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }
}

impl Identity {
    /// Sets the process's clock, where clocks are wrong in this world.
    pub(crate) fn set_clock(&self) {
        if self.fabric.plan.faults.contains(&Fault::Clocks) {
            let skew = self.fabric.inner().random.i64(-WRONG..=WRONG);
            self.skew.store(skew, Ordering::Relaxed);
        }
    }
}
