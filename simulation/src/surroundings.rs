//! What a simulated process gets from outside: a clock of its own, ids, deaths, and a store that may be far away.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU32},
    },
};

use ashlar_common::{
    points::Point,
    store::{Director, Error, Fate, Link, Location, Simulated, Store, Surroundings},
};
use async_trait::async_trait;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::{
    fabric::{Fabric, Place},
    plan::Fault,
};

/// Every run begins at this second.
const BEGINNING: i64 = 1_800_000_000;

/// Who a process is.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) fabric: Arc<Fabric>,
    pub(crate) place: Place,
    pub(crate) name: String,
    /// How wrong its clock is, in microseconds.
    pub(crate) skew: Arc<AtomicI64>,
    /// Where its planted error keeps what it must remember.
    pub(crate) memory: Arc<AtomicU32>,
}

impl Identity {
    /// Opens the world's store as this process.
    pub(crate) async fn store(&self, location: &Location) -> Result<Store, Error> {
        let (seed, now) = {
            let mut inner = self.fabric.inner();
            (inner.random.u64(..), inner.now)
        };
        let epoch = Timestamp::from_second(BEGINNING).unwrap_or(Timestamp::UNIX_EPOCH) + now;
        let simulated = Simulated {
            epoch,
            since: Instant::now(),
            skew: Arc::clone(&self.skew),
            random: Mutex::new(fastrand::Rng::with_seed(seed)),
            director: Box::new(self.clone()),
            link: Some(Box::new(self.clone())),
        };
        Ok(Store::open(location).await?.within(Surroundings::Simulated(simulated)))
    }

    fn away(&self) -> Error {
        self.fabric.note(&self.name, format_args!("cannot reach the store"));
        Error::Away(Arc::new(io::Error::other("the simulation cut the connection")))
    }
}

#[async_trait]
impl Director for Identity {
    async fn reached(&self, point: Point) {
        self.fabric.note(&self.name, format_args!("at {point}"));
        if self.fabric.strikes(Fault::CrashAtPoint, 12) {
            self.fabric.note(&self.name, format_args!("dies at {point}"));
            self.fabric.inner().doomed.insert(self.place);
            std::future::pending::<()>().await;
        }
        if self.fabric.strikes(Fault::Delay, 200) {
            let pause = self.fabric.within(1..=300);
            tokio::time::sleep(pause).await;
        }
    }
}

#[async_trait]
impl Link for Identity {
    async fn reach(&self) -> Result<(), Error> {
        let cut = {
            let inner = self.fabric.inner();
            inner.cut.get(&self.place).is_some_and(|until| *until > inner.now)
        };
        if cut || self.fabric.strikes(Fault::StoreAway, 8) { Err(self.away()) } else { Ok(()) }
    }

    async fn fate(&self) -> Fate {
        self.fabric.inner().changed = true;
        if let Some(fate) = self.planted_fate() {
            return fate;
        }
        if !self.fabric.strikes(Fault::LostCommit, 25) {
            return Fate::Committed;
        }
        let choice = self.fabric.inner().random.u32(..3);
        let (fate, how) = match choice {
            0 => (Fate::Undone(Error::Busy), "failed"),
            1 => (Fate::Undone(Error::Unknown), "was lost on its way, its end unknown"),
            _ => (Fate::Unheard(Error::Unknown), "went well, its end unknown"),
        };
        self.fabric.note(&self.name, format_args!("a commit {how}"));
        fate
    }

    fn altered(&self, statement: &str) -> Option<String> {
        self.altered_statement(statement)
    }
}
