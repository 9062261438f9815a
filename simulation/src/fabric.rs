//! What all simulated processes share, and what they do not see: chance, the trace, wake-ups under way, backends.
//!
//! All of a run is on one thread, so whoever asks for the next random number does so in the same order each time.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ashlar_common::{ids::BackendName, wakeup::Sleeper};
use tokio::sync::Notify;

use crate::{
    backend::{content::Content, effect::Effect},
    client::told::Told,
    plan::{Fault, Plan},
    trace::Trace,
};

/// A simulated process, by the number of its place in the world; it keeps it when it is started again.
pub(crate) type Place = usize;

/// Shared by everything in a run.
#[derive(Debug)]
pub(crate) struct Fabric {
    pub(crate) plan: Plan,
    inner: Mutex<Inner>,
}

/// What changes.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) random: fastrand::Rng,
    pub(crate) trace: Trace,
    pub(crate) now: Duration,
    pub(crate) step: u64,
    /// Nothing goes wrong any more.
    pub(crate) calm: bool,
    /// Processes that have met their end, and are still to be removed.
    pub(crate) doomed: BTreeSet<Place>,
    /// Processes that do not reach the store, until then.
    pub(crate) cut: BTreeMap<Place, Duration>,
    pub(crate) ears: BTreeMap<Place, (Sleeper, Arc<Notify>)>,
    /// Wake-ups under way.
    pub(crate) rings: Vec<(Duration, Place)>,
    /// The lock that a machine gives to one host of a backend.
    pub(crate) locks: BTreeMap<BackendName, Place>,
    /// The epoch that was joined under last, by backend.
    pub(crate) newest: BTreeMap<BackendName, u64>,
    pub(crate) backends: BTreeMap<BackendName, Content>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) answers: Vec<(u32, Told)>,
    /// Something was committed that was not looked at yet.
    pub(crate) changed: bool,
    /// What broke without a look at the store.
    pub(crate) broken: Vec<String>,
}

impl Fabric {
    pub(crate) fn new(plan: Plan, backends: BTreeMap<BackendName, Content>, keep_trace: bool) -> Arc<Self> {
        let inner = Inner {
            random: fastrand::Rng::with_seed(plan.seed ^ 0x5eed),
            trace: Trace::new(keep_trace),
            now: Duration::ZERO,
            step: 0,
            calm: false,
            doomed: BTreeSet::new(),
            cut: BTreeMap::new(),
            ears: BTreeMap::new(),
            rings: Vec::new(),
            locks: BTreeMap::new(),
            newest: BTreeMap::new(),
            backends,
            effects: Vec::new(),
            answers: Vec::new(),
            changed: true,
            broken: Vec::new(),
        };
        Arc::new(Self { plan, inner: Mutex::new(inner) })
    }

    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note(&self, who: &str, what: fmt::Arguments<'_>) {
        self.inner().note(who, what);
    }

    /// Whether this fault happens now, so many times of a thousand.
    pub(crate) fn strikes(&self, fault: Fault, of_thousand: u32) -> bool {
        self.plan.faults.contains(&fault) && self.inner().by_chance(of_thousand)
    }

    pub(crate) fn within(&self, millis: std::ops::RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.inner().random.u64(millis))
    }
}

impl Inner {
    pub(crate) fn note(&mut self, who: &str, what: fmt::Arguments<'_>) {
        let now = self.now;
        self.trace.note(now, who, what);
    }

    fn by_chance(&mut self, of_thousand: u32) -> bool {
        !self.calm && self.random.u32(..1000) < of_thousand
    }

    pub(crate) fn break_law(&mut self, what: String) {
        self.note("!", format_args!("{what}"));
        self.broken.push(what);
    }
}
