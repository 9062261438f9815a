//! The pools as the scheduler sees them: reports joined with what the records promise.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use super::{
    functions::Functions,
    intake::Intake,
    refusal::Result,
    sightings::{self, Sightings, Silence},
};
use crate::{
    chain::chain,
    config::Config,
    ids::BackendName,
    scheduler::{Policy, PoolView},
    store::{
        self, Store, Tx,
        records::{HostRecord, PoolRecord},
    },
};

/// Between two looks at the hosts of an API process that nobody asks for anything.
const LOOK: Duration = Duration::from_secs(5);

/// What placing takes besides the store.
#[derive(Debug)]
pub(super) struct Scheduling {
    /// The operator's rules.
    pub(super) policy: Policy,
    /// The first part of `host@backend#pool`.
    service: String,
    functions: Functions,
    sightings: Sightings,
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
        self.scheduling.sightings.silent(hosts, self.store.clock().uptime)
    }

    /// Looks at the hosts now and then until dropped, so that one that has died is known to be silent also by a process
    /// that was asked for nothing meanwhile.
    pub async fn watch_hosts(&self) {
        loop {
            if let Err(error) = look(&self.store, &self.scheduling.sightings).await {
                if matches!(error, store::Error::Away(_)) {
                    self.scheduling.sightings.blind();
                }
                tracing::warn!(error = chain(&error), "cannot look at the hosts; trying again");
            }
            tokio::time::sleep(LOOK.min(self.scheduling.policy.stale_after / 2)).await;
        }
    }

    /// The pools, read in the caller's transaction: what it then reserves is seen by whoever comes next.
    pub(super) async fn views(&self, tx: &mut Tx) -> store::error::Result<Vec<PoolView>> {
        self.scheduling.views(tx, self.store.clock().uptime).await
    }
}

async fn look(store: &Store, sightings: &Sightings) -> store::error::Result<()> {
    let mut tx = store.look().await?;
    let (hosts, pools) = tx.hosts_and_pools().await?;
    sightings.see(&hosts, &pools, store.clock().uptime);
    Ok(())
}

impl Scheduling {
    /// As the configuration has it.
    pub(super) fn of(config: &Config) -> Self {
        Self {
            policy: config.policy(),
            service: config.api.host.clone(),
            functions: Functions::default(),
            sightings: Sightings::default(),
        }
    }

    /// The pools as a process sees them that has watched the hosts until `uptime`.
    async fn views(&self, tx: &mut Tx, uptime: Duration) -> store::error::Result<Vec<PoolView>> {
        let (hosts, pools) = tx.hosts_and_pools().await?;
        let silences = self.sightings.see(&hosts, &pools, uptime);
        Ok(self.joined(&hosts, pools, &silences))
    }

    /// The pools as a process sees them that has watched nobody, and has to believe the dates of the hosts.
    pub(super) async fn views_by_dates(&self, tx: &mut Tx, now: Timestamp) -> store::error::Result<Vec<PoolView>> {
        let (hosts, pools) = tx.hosts_and_pools().await?;
        let silences = sightings::by_dates(&hosts, &pools, now);
        Ok(self.joined(&hosts, pools, &silences))
    }

    fn joined(
        &self,
        hosts: &[HostRecord],
        pools: Vec<PoolRecord>,
        silences: &BTreeMap<BackendName, Silence>,
    ) -> Vec<PoolView> {
        let hosts: BTreeMap<_, _> = hosts.iter().map(|host| (&host.backend, host)).collect();
        let of_pool = |pool: PoolRecord| {
            let host = hosts.get(&pool.backend).copied()?;
            let silence = silences.get(&pool.backend).copied().unwrap_or_default();
            self.view(pool, host, silence)
        };
        pools.into_iter().filter_map(of_pool).collect()
    }

    /// One pool; `None` while nobody has opened its backend.
    fn view(&self, pool: PoolRecord, host: &HostRecord, silence: Silence) -> Option<PoolView> {
        Some(PoolView {
            id: format!("{}@{}#{}", self.service, pool.backend, pool.stats.name),
            backend: pool.backend,
            volume_backend_name: host.volume_backend_name.clone(),
            driver: host.driver.clone()?,
            capabilities: host.capabilities,
            machine: machine(&host.holder).to_owned(),
            filter_function: self.functions.parsed(pool.stats.filter_function.as_deref()),
            goodness_function: self.functions.parsed(pool.stats.goodness_function.as_deref()),
            availability_zone: host.availability_zone.clone(),
            up: !host.disabled && silence.host <= self.policy.stale_after,
            age: silence.report,
            provisioned: pool.provisioned,
            volumes: pool.volumes,
            promised: pool.promised,
            stats: pool.stats,
        })
    }
}

/// The machine of `machine:process`, as hosts sign.
fn machine(holder: &str) -> &str {
    holder.rsplit_once(':').map_or(holder, |(machine, _)| machine)
}
