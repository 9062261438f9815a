//! The world: gives each process its steps, lets faults strike, and looks after each step whether the laws hold.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ashlar_common::{
    config::Config,
    ids::BackendName,
    store::{Location, Store},
};
use tokio::runtime::Runtime;

use crate::{
    backend::content::Content,
    check::{self, Broken, effects::Ledger, told::Seen},
    client::{
        ask,
        request::{Request, What},
        told::Told,
    },
    fabric::{Fabric, Place},
    observer::{self, View},
    plan::{Fault, Plan},
    slot::{Kind, Slot},
    wire,
};

/// Every database in memory has a name of its own.
static DATABASES: AtomicU64 = AtomicU64::new(0);
/// How far time goes in a step while faults strike, in milliseconds.
const STRIDES: [u64; 12] = [0, 0, 0, 1, 1, 2, 5, 10, 20, 50, 150, 700];
/// How far it goes when they have stopped: first a little, then more, since nothing then is but waiting.
const CALM_STRIDES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(400));

/// A world.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) fabric: Arc<Fabric>,
    slots: Vec<Slot>,
    config: Arc<Config>,
    location: Location,
    /// The observer's own.
    runtime: Runtime,
    store: Store,
    pub(crate) view: View,
    ledger: Ledger,
    seen: Seen,
    pub(crate) requests: Vec<Request>,
}

/// The world cannot be made: not a finding.
#[derive(Debug)]
pub(crate) struct Unmade(pub(crate) String);

fn unmade(error: impl std::fmt::Display) -> Unmade {
    Unmade(error.to_string())
}

impl World {
    pub(crate) fn new(plan: Plan, keep_trace: bool) -> Result<Self, Unmade> {
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let location = Location::Memory(format!("simulation-{number}"));
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().map_err(unmade)?;
        let store = runtime.block_on(Store::open(&location)).map_err(unmade)?;
        let backends = plan.backends.iter().enumerate();
        let backends = backends.map(|(index, plan)| (backend_name(index), Content::new(plan.clone()))).collect();
        let fabric = Fabric::new(plan, backends, keep_trace);
        let slots = slots(&fabric);
        Ok(Self {
            fabric,
            slots,
            config: Arc::new(config().map_err(unmade)?),
            location,
            runtime,
            store,
            view: View::default(),
            ledger: Ledger::default(),
            seen: Seen::default(),
            requests: Vec::new(),
        })
    }

    /// One step in which things go wrong.
    pub(crate) fn stormy_step(&mut self) -> io::Result<Broken> {
        let stride = {
            let mut inner = self.fabric.inner();
            let index = inner.random.usize(..STRIDES.len());
            Duration::from_millis(STRIDES[index])
        };
        self.strike();
        self.step(stride)
    }

    /// One step in which nothing does, so many after the last that was about something.
    pub(crate) fn calm_step(&mut self, number: u32) -> io::Result<Broken> {
        self.step(if number < 20 { CALM_STRIDES.0 } else { CALM_STRIDES.1 })
    }

    /// Ends all that goes wrong.
    pub(crate) fn calm_down(&mut self) {
        let mut inner = self.fabric.inner();
        inner.calm = true;
        inner.cut.clear();
        inner.note("world", format_args!("faults stop"));
        drop(inner);
        for slot in &mut self.slots {
            slot.stand_still(Duration::ZERO);
        }
    }

    /// Everything asked for has been answered, and everything taken in has ended.
    pub(crate) fn is_at_rest(&self) -> bool {
        let changed = self.fabric.inner().changed;
        !changed
            && self.slots.iter().all(Slot::is_running)
            && self.requests.iter().all(|request| request.told.is_some())
            && self.view.log.iter().all(|(_, operation)| check::log::ended(operation))
    }

    /// What must be true at rest.
    pub(crate) fn at_rest(&self) -> Broken {
        let mut broken = Broken::new();
        let inner = self.fabric.inner();
        check::rest::check(&self.view, inner.backends.iter(), &self.requests, &mut broken);
        broken
    }

    fn step(&mut self, stride: Duration) -> io::Result<Broken> {
        let (now, order) = {
            let mut inner = self.fabric.inner();
            inner.now += stride;
            inner.step += 1;
            let mut order: Vec<Place> = (0..self.slots.len()).collect();
            inner.random.shuffle(&mut order);
            (inner.now, order)
        };
        self.deliver(now);
        for place in order {
            let ended = self.slots[place].step(now, &self.config, &self.location)?;
            self.collect_answers();
            let doomed = self.fabric.inner().doomed.contains(&place);
            if ended || doomed {
                self.end(place);
            }
        }
        Ok(self.look())
    }

    /// Brings wake-ups whose time has come.
    fn deliver(&mut self, now: Duration) {
        let mut inner = self.fabric.inner();
        for place in wire::due(&mut inner.rings, now) {
            if let Some((_, woken)) = inner.ears.get(&place) {
                woken.notify_one();
                self.slots[place].identity.memory.store(1, Ordering::Relaxed);
            }
        }
    }

    fn collect_answers(&mut self) {
        let mut inner = self.fabric.inner();
        let answers = std::mem::take(&mut inner.answers);
        for (number, told) in answers {
            inner.note("client", format_args!("req-{number} is told {told:?}"));
            if let Some(request) = self.requests.get_mut(number as usize) {
                request.told = Some(told);
            }
        }
    }

    /// A process ends, by itself or not; who waited for it hears nothing.
    fn end(&mut self, place: Place) {
        let pause = self.fabric.within(20..=1500);
        let now = self.fabric.inner().now;
        self.slots[place].kill(now, pause);
        for request in self.requests.iter_mut().filter(|request| request.place == place && request.told.is_none()) {
            request.told = Some(Told::Unknown("the process died".to_owned()));
        }
    }

    /// Faults of whole processes.
    fn strike(&mut self) {
        for place in 0..self.slots.len() {
            let name = self.slots[place].identity.name.clone();
            let now = self.fabric.inner().now;
            if self.fabric.strikes(Fault::Crash, 12) && self.slots[place].is_running() {
                self.fabric.note(&name, format_args!("dies"));
                self.end(place);
            }
            if self.fabric.strikes(Fault::Pause, 8) {
                let until = now + self.fabric.within(50..=60_000);
                self.fabric.note(&name, format_args!("stands still until {:.3} s", until.as_secs_f64()));
                self.slots[place].stand_still(until);
            }
            if self.fabric.strikes(Fault::StoreAway, 8) {
                let until = now + self.fabric.within(50..=20_000);
                self.fabric.note(&name, format_args!("has no store until {:.3} s", until.as_secs_f64()));
                self.fabric.inner().cut.insert(place, until);
            }
            if self.fabric.strikes(Fault::Clocks, 4) {
                self.slots[place].identity.set_clock();
                self.fabric.note(&name, format_args!("has its clock set"));
            }
        }
    }

    /// Sends one more request, if there is an API process to send it to.
    pub(crate) fn ask(&mut self) {
        let up: Vec<Place> = (0..self.slots.len()).filter(|place| self.slots[*place].intake().is_some()).collect();
        if up.is_empty() {
            return;
        }
        let (place, what) = {
            let mut inner = self.fabric.inner();
            let index = inner.random.usize(..up.len());
            (up[index], ask::choose(&mut inner.random, &self.view))
        };
        self.send(place, what);
    }

    /// Sends this request to the first API process that is up.
    pub(crate) fn ask_for(&mut self, what: What) {
        if let Some(place) = (0..self.slots.len()).find(|place| self.slots[*place].intake().is_some()) {
            self.send(place, what);
        }
    }

    fn send(&mut self, place: Place, what: What) {
        let Some((intake, runtime)) = self.slots[place].intake() else { return };
        let number = u32::try_from(self.requests.len()).unwrap_or(u32::MAX);
        let request = Request { number, what, place, told: None, checked: false };
        self.fabric
            .note("client", format_args!("req-{number} to {}: {:?}", self.slots[place].identity.name, request.what));
        let (fabric, id, what) = (Arc::clone(&self.fabric), request.id(), request.what.clone());
        drop(runtime.spawn(async move {
            let told = ask::make(intake, id, what).await;
            fabric.inner().answers.push((number, told));
        }));
        self.requests.push(request);
    }

    /// Looks at the store where something was committed, and holds the laws against it.
    fn look(&mut self) -> Broken {
        let mut broken = std::mem::take(&mut self.fabric.inner().broken);
        let answered = self.requests.iter().any(|request| request.told.is_some() && !request.checked);
        if !self.fabric.inner().changed && !answered {
            return broken;
        }
        let looked = {
            let _guard = self.runtime.enter();
            observer::look(&self.store)
        };
        let view = match looked {
            None => return broken,
            Some(Err(error)) => {
                broken.push(format!("the store cannot be read: {error}"));
                return broken;
            }
            Some(Ok(view)) => view,
        };
        self.judge(&view, &mut broken);
        self.view = view;
        broken
    }

    fn judge(&mut self, view: &View, broken: &mut Broken) {
        let mut inner = self.fabric.inner();
        inner.changed = false;
        let effects = std::mem::take(&mut inner.effects);
        check::records::check(view, broken);
        check::log::check(&self.view, view, broken);
        check::capacity::check(view, inner.backends.iter(), broken);
        self.ledger.check(&effects, view, inner.step, broken);
        self.seen.add(view);
        self.seen.check(&mut self.requests, view, broken);
    }
}

pub(crate) fn backend_name(index: usize) -> BackendName {
    format!("backend-{index}").parse().expect("a name")
}

fn slots(fabric: &Arc<Fabric>) -> Vec<Slot> {
    let mut slots = Vec::new();
    for index in 0..fabric.plan.apis {
        slots.push(Slot::new(fabric, slots.len(), format!("api-{index}"), Kind::Api(Arc::default())));
    }
    for (index, backend) in fabric.plan.backends.iter().enumerate() {
        for host in 0..backend.hosts {
            let kind = Kind::Host(backend_name(index), backend.clone());
            slots.push(Slot::new(fabric, slots.len(), format!("host-{index}.{host}"), kind));
        }
    }
    slots
}

/// The settings of every process: patience in proportion to what a run lasts.
fn config() -> Result<Config, serde_json::Error> {
    serde_json::from_value(serde_json::json!({
        "state_directory": "/nowhere",
        "api": { "attach_timeout_seconds": 5 },
        "host": { "attempts": 3, "operation_timeout_seconds": 20, "stats_interval_seconds": 2, "concurrency": 4 },
    }))
}
