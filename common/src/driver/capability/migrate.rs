//! Moving volumes between pools of one backend.

use async_trait::async_trait;

use crate::{
    driver::{
        context::OpCtx,
        error::Result,
        spec::{Outcome, Volume, VolumeRef},
    },
    ids::PoolName,
};

/// Moving a volume to another pool of the same backend, by the backend's own means.
#[async_trait]
pub trait Migrate: Send + Sync {
    /// Moves a volume that nobody is attached to; it is then known by `pool`.
    ///
    /// - \[migrate.1\] Bytes and size stay. Nothing is left on the old pool.
    /// - \[migrate.2\] Stopped at any instant, the volume is whole on one pool or the other; repeated, it gets there.
    /// - \[migrate.3\] There already: `Unchanged`. Attached or with snapshots: `Busy`. No such pool: `NotFound`.
    async fn migrate(&self, ctx: &OpCtx, volume: &VolumeRef, pool: &PoolName) -> Result<Outcome<Volume>>;
}
