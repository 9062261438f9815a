//! The pools as the scheduler sees them: reports joined with what the records promise.

use std::time::Duration;

use jiff::Timestamp;

use super::{intake::Intake, refusal::Result};
use crate::{
    scheduler::{Policy, PoolView},
    store::{self, Tx},
    units::ByteCount,
};

impl Intake {
    /// Every pool that ever reported, as the scheduler would see it now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn pool_views(&self) -> Result<Vec<PoolView>> {
        let mut tx = self.store.read().await?;
        Ok(views(&mut tx, &self.policy, self.store.now()).await?)
    }
}

/// The pools, read in the caller's transaction: what it then reserves is seen by whoever comes next.
pub(super) async fn views(tx: &mut Tx, policy: &Policy, now: Timestamp) -> store::error::Result<Vec<PoolView>> {
    let hosts = tx.hosts().await?;
    let in_use = tx.pool_use().await?;
    let mut views = Vec::new();
    for pool in tx.pools().await? {
        let Some(host) = hosts.iter().find(|host| host.backend == pool.backend) else { continue };
        let Some(driver) = host.driver.clone() else { continue };
        let provisioned = in_use
            .iter()
            .find(|used| used.backend == pool.backend && used.pool == pool.stats.name)
            .map_or(ByteCount::ZERO, |used| used.provisioned);
        let promised = tx.promised_since(&pool.backend, &pool.stats.name, pool.reported_at).await?;
        views.push(PoolView {
            backend: pool.backend,
            volume_backend_name: host.volume_backend_name.clone(),
            driver,
            capabilities: host.capabilities,
            availability_zone: host.availability_zone.clone(),
            up: !host.disabled && age(host.heartbeat_at, now) <= policy.stale_after,
            age: age(pool.reported_at, now),
            provisioned,
            promised,
            stats: pool.stats,
        });
    }
    Ok(views)
}

/// Time since `then`; zero if the clock was set back.
pub(super) fn age(then: Timestamp, now: Timestamp) -> Duration {
    now.duration_since(then).try_into().unwrap_or(Duration::ZERO)
}
