//! The main of a simulated host: what a driver program does, with the library's own parts.

use std::{sync::Arc, time::Duration};

use ashlar_common::{
    config::Config,
    driver::Lease,
    ids::BackendName,
    manager::{Membership, OperatorFunctions, Worker, rivals},
    store::{
        Error, Location, Store,
        members::{Gone, Joining},
    },
    wakeup::Sleeper,
};
use tokio_util::sync::CancellationToken;

use crate::{backend::driver::ModelDriver, plan::BackendPlan, planted::Planted, surroundings::Identity};

/// Between two looks of one who stands by.
const LOOK: Duration = Duration::from_millis(500);
/// Leaving may take no longer.
const LEAVE: Duration = Duration::from_secs(5);

/// What a host is started with.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) identity: Identity,
    pub(crate) backend: BackendName,
    pub(crate) plan: BackendPlan,
    pub(crate) config: Arc<Config>,
}

impl Host {
    /// Waits for a seat, and serves the backend until it is fenced. Its supervisor starts it again.
    pub(crate) async fn main(self, location: Location) {
        let ended = self.live(&location).await;
        let why = ended.err().map_or_else(|| "stopped".to_owned(), |error| error.to_string());
        self.identity.fabric.note(&self.identity.name, format_args!("ends: {why}"));
    }

    async fn live(&self, location: &Location) -> Result<(), Error> {
        let store = self.identity.store(location).await?;
        let (epoch, lease) = self.stand_by(&store).await;
        self.identity.fabric.note(&self.identity.name, format_args!("serves {} under epoch {epoch}", self.backend));
        let stop = CancellationToken::new();
        let membership = Membership { store, backend: self.backend.clone(), epoch, lease, stop };
        tokio::spawn(self.clone().watch(membership.lease.clone(), membership.stop.clone()));
        let (over, keeper) = (CancellationToken::new(), membership.clone());
        let kept = over.clone();
        let keeping = tokio::spawn(async move { keeper.keep(&kept).await });
        let served = self.serve(&membership).await;
        over.cancel();
        let _ = keeping.await;
        let _ = tokio::time::timeout(LEAVE, membership.leave()).await;
        served
    }

    /// Waits for a seat and takes it.
    async fn stand_by(&self, store: &Store) -> (u64, Lease) {
        let mut others = rivals::Rivals::default();
        loop {
            if self.has_lock() {
                match self.look(store, &mut others).await {
                    Ok(Some(entered)) => return entered,
                    Ok(None) => {}
                    Err(error) => self.identity.fabric.note(&self.identity.name, format_args!("stands by: {error}")),
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// On one machine, only one process has the lock of a backend, until it is dead.
    fn has_lock(&self) -> bool {
        let place = self.identity.place;
        let mut inner = self.identity.fabric.inner();
        !self.plan.one_machine || *inner.locks.entry(self.backend.clone()).or_insert(place) == place
    }

    async fn look(&self, store: &Store, others: &mut rivals::Rivals) -> Result<Option<(u64, Lease)>, Error> {
        let members = rivals::members(store, &self.backend).await?;
        let mut gone = others.lapsed(&members, store.clock().uptime);
        if self.plan.one_machine || self.identity.has(Planted::LeaseIgnored) {
            gone = members.iter().map(|member| Gone::Ended { epoch: member.epoch }).collect();
        }
        if !rivals::has_seat(&members, &gone) {
            return Ok(None);
        }
        let asked = store.clock().uptime;
        let length = self.config.host.lease();
        let joining = Joining {
            backend: &self.backend,
            holder: &self.identity.name,
            volume_backend_name: self.backend.as_str(),
            availability_zone: "nova",
            lease: length,
            gone: &gone,
            now: store.now(),
        };
        let Some(epoch) = rivals::join(store, &joining).await? else { return Ok(None) };
        self.identity.fabric.inner().newest.insert(self.backend.clone(), epoch);
        let clock = store.clone();
        Ok(Some((epoch, Lease::new(length, asked, move || clock.clock().uptime))))
    }

    /// Ends the process when its lease is over and it does not end by itself.
    async fn watch(self, lease: Lease, stop: CancellationToken) {
        while lease.holds() {
            tokio::time::sleep(lease.length() / 40).await;
        }
        stop.cancel();
        tokio::time::sleep(rivals::margin(lease.length()) / 2).await;
        self.identity.fabric.note(&self.identity.name, format_args!("is ended by its watchdog"));
        self.identity.fabric.inner().doomed.insert(self.identity.place);
    }

    async fn serve(&self, membership: &Membership) -> Result<(), Error> {
        if !membership.offer_seats(self.plan.seats).await? {
            return Ok(());
        }
        let worker = Worker {
            store: membership.store.clone(),
            driver: Arc::new(ModelDriver {
                host: self.identity.clone(),
                backend: self.backend.clone(),
                epoch: membership.epoch,
                seats: self.plan.seats,
                multi_attach: self.plan.multi_attach,
            }),
            backend: self.backend.clone(),
            epoch: membership.epoch,
            lease: membership.lease.clone(),
            images: None,
            settings: self.config.host.clone(),
            functions: OperatorFunctions::default(),
            bell: self.identity.bell(),
            stop: membership.stop.clone(),
        };
        let ear = self.identity.ear(Sleeper::Host(self.backend.clone()));
        let reporter = worker.clone();
        tokio::spawn(async move { reporter.publish_stats().await });
        if self.plan.seats > 1 {
            let watcher = membership.clone();
            tokio::spawn(async move { watcher.watch_others().await });
        }
        worker.run(&ear).await
    }
}
