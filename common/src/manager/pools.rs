//! The pools as the scheduler sees them: reports joined with what the records promise.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::{intake::Intake, refusal::Result, watch::Watch};
use crate::{
    chain::chain,
    ids::BackendName,
    scheduler::{Policy, PoolView},
    store::{
        self, Store, Tx,
        records::{HostRecord, PoolRecord},
    },
    units::ByteCount,
};

/// Between two looks at the hosts of an API process that nobody asks for anything.
const LOOK: Duration = Duration::from_secs(5);

/// Which hosts were heard of and how old reports are, as this process has seen it by its own clock. One that has just
/// started gives everybody the benefit of the doubt.
#[derive(Clone, Debug, Default)]
pub struct Sightings(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    hosts: Watch<BackendName>,
    reports: Watch<BackendName>,
}

/// How long ago something was heard of a backend.
#[derive(Clone, Copy, Debug, Default)]
struct Silence {
    host: Duration,
    report: Duration,
}

impl Sightings {
    /// For how long each host has not been heard of.
    #[must_use]
    pub fn silent(&self, hosts: &[HostRecord], uptime: Duration) -> BTreeMap<BackendName, Duration> {
        let seen = self.see(hosts, &[], uptime);
        seen.into_iter().map(|(backend, silence)| (backend, silence.host)).collect()
    }

    fn see(&self, hosts: &[HostRecord], pools: &[PoolRecord], uptime: Duration) -> BTreeMap<BackendName, Silence> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let there: BTreeSet<_> = hosts.iter().map(|host| &host.backend).collect();
        seen.hosts.keep(|backend| there.contains(backend));
        seen.reports.keep(|backend| there.contains(backend));
        let mut silences = BTreeMap::new();
        for host in hosts {
            let silence: &mut Silence = silences.entry(host.backend.clone()).or_default();
            silence.host = seen.hosts.unchanged(&host.backend, host.moment, uptime);
        }
        // All pools of a backend are reported at once.
        for pool in pools {
            let silence: &mut Silence = silences.entry(pool.backend.clone()).or_default();
            silence.report = seen.reports.unchanged(&pool.backend, pool.moment, uptime);
        }
        silences
    }
}

impl Intake {
    /// Every pool that ever reported, as the scheduler would see it now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn pool_views(&self) -> Result<Vec<PoolView>> {
        let mut tx = self.store.read().await?;
        Ok(self.views(&mut tx).await?)
    }

    /// For how long each host has not been heard of, as this process has seen it.
    #[must_use]
    pub fn silent(&self, hosts: &[HostRecord]) -> BTreeMap<BackendName, Duration> {
        self.sightings.silent(hosts, self.store.clock().uptime)
    }

    /// Looks at the hosts now and then until dropped, so that one that has died is known to be silent also by a process
    /// that was asked for nothing meanwhile.
    pub async fn watch_hosts(&self) {
        loop {
            if let Err(error) = look(&self.store, &self.sightings).await {
                tracing::warn!(error = chain(&error), "cannot look at the hosts; trying again");
            }
            tokio::time::sleep(LOOK.min(self.policy.stale_after / 2)).await;
        }
    }

    /// The pools, read in the caller's transaction: what it then reserves is seen by whoever comes next.
    pub(super) async fn views(&self, tx: &mut Tx) -> store::error::Result<Vec<PoolView>> {
        views(tx, &self.policy, &self.sightings, self.store.clock().uptime).await
    }
}

async fn look(store: &Store, sightings: &Sightings) -> store::error::Result<()> {
    let mut tx = store.read().await?;
    let (hosts, pools) = (tx.hosts().await?, tx.pools().await?);
    sightings.see(&hosts, &pools, store.clock().uptime);
    Ok(())
}

async fn views(
    tx: &mut Tx,
    policy: &Policy,
    sightings: &Sightings,
    uptime: Duration,
) -> store::error::Result<Vec<PoolView>> {
    let (hosts, pools) = (tx.hosts().await?, tx.pools().await?);
    let silences = sightings.see(&hosts, &pools, uptime);
    let in_use = tx.pool_use().await?;
    let mut views = Vec::new();
    for pool in pools {
        let Some(host) = hosts.iter().find(|host| host.backend == pool.backend) else { continue };
        let Some(driver) = host.driver.clone() else { continue };
        let silence = silences.get(&pool.backend).copied().unwrap_or_default();
        let provisioned = in_use
            .iter()
            .find(|used| used.backend == pool.backend && used.pool == pool.stats.name)
            .map_or(ByteCount::ZERO, |used| used.provisioned);
        let promised = tx.promised_since(&pool.backend, &pool.stats.name, pool.moment).await?;
        views.push(PoolView {
            backend: pool.backend,
            volume_backend_name: host.volume_backend_name.clone(),
            driver,
            capabilities: host.capabilities,
            availability_zone: host.availability_zone.clone(),
            up: !host.disabled && silence.host <= policy.stale_after,
            age: silence.report,
            provisioned,
            promised,
            stats: pool.stats,
        });
    }
    Ok(views)
}
