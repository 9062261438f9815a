//! The pools as the scheduler sees them: reports joined with what the records promise.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use super::{functions::Functions, intake::Intake, refusal::Result};
use crate::{
    config::Config,
    scheduler::{Policy, PoolView},
    store::{
        self, Tx,
        pool_use::PoolUse,
        records::{HostRecord, PoolRecord},
    },
    units::ByteCount,
};

/// What placing takes besides the store.
#[derive(Debug)]
pub(super) struct Scheduling {
    /// The operator's rules.
    pub(super) policy: Policy,
    /// The first part of `host@backend#pool`.
    service: String,
    functions: Functions,
}

impl Intake {
    /// Every pool that ever reported, as the scheduler would see it now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn pool_views(&self) -> Result<Vec<PoolView>> {
        let mut tx = self.store.read().await?;
        Ok(self.scheduling.views(&mut tx, self.store.now()).await?)
    }
}

impl Scheduling {
    /// As the configuration has it.
    pub(super) fn of(config: &Config) -> Self {
        Self { policy: config.policy(), service: config.api.host.clone(), functions: Functions::default() }
    }

    /// The pools, read in the caller's transaction: what it then reserves is seen by whoever comes next.
    pub(super) async fn views(&self, tx: &mut Tx, now: Timestamp) -> store::error::Result<Vec<PoolView>> {
        let hosts = tx.hosts().await?;
        let hosts: BTreeMap<_, _> = hosts.iter().map(|host| (&host.backend, host)).collect();
        let in_use = tx.pool_use().await?;
        let in_use: BTreeMap<_, _> = in_use.iter().map(|used| ((&used.backend, &used.pool), used)).collect();
        let mut views = Vec::new();
        for pool in tx.pools().await? {
            let Some(host) = hosts.get(&pool.backend) else { continue };
            let promised = tx.promised_since(&pool.backend, &pool.stats.name, pool.reported_at).await?;
            let used = in_use.get(&(&pool.backend, &pool.stats.name)).copied();
            views.extend(self.view(pool, host, used, promised, now));
        }
        Ok(views)
    }

    /// One pool; `None` while nobody has opened its backend.
    fn view(
        &self,
        pool: PoolRecord,
        host: &HostRecord,
        used: Option<&PoolUse>,
        promised: ByteCount,
        now: Timestamp,
    ) -> Option<PoolView> {
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
            up: !host.disabled && age(host.heartbeat_at, now) <= self.policy.stale_after,
            age: age(pool.reported_at, now),
            provisioned: used.map_or(ByteCount::ZERO, |used| used.provisioned),
            volumes: used.map_or(0, |used| used.volumes),
            promised,
            stats: pool.stats,
        })
    }
}

/// The machine of `machine:process`, as hosts sign.
fn machine(holder: &str) -> &str {
    holder.rsplit_once(':').map_or(holder, |(machine, _)| machine)
}

/// Time since `then`; zero if the clock was set back.
pub(super) fn age(then: Timestamp, now: Timestamp) -> Duration {
    now.duration_since(then).try_into().unwrap_or(Duration::ZERO)
}
