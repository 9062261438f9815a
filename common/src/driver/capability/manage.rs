//! Taking over what is on the backend already, and letting go of it.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    driver::{
        context::OpCtx,
        error::Result,
        spec::{Outcome, Volume, VolumeRef, VolumeSpec},
    },
    ids::PoolName,
    units::ByteCount,
};

/// Something on the backend that is not Ashlar's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foreign {
    /// What the backend calls it.
    pub name: String,
    /// Its exact size.
    pub size: ByteCount,
    /// Why it cannot be taken over, where it cannot: in use, of a kind that is not known.
    pub refused: Option<String>,
}

/// Taking over volumes that others made, and giving volumes away, without a byte being copied.
#[async_trait]
pub trait Manage: Send + Sync {
    /// What a pool holds that is not Ashlar's, ordered by name.
    ///
    /// - \[manage.1\] Nothing that Ashlar made is in it, and nothing outside of the pool.
    async fn foreign(&self, ctx: &OpCtx, pool: &PoolName) -> Result<Vec<Foreign>>;

    /// Makes `name` the volume of `spec`, whose size must be the one it has.
    ///
    /// - \[manage.2\] Every byte stays; afterwards it is a volume like any other.
    /// - \[manage.3\] Again: `Unchanged`. Another size or a name that could be a path or an option: `Invalid`. Absent:
    ///   `NotFound`. Another volume's: `Conflict`.
    async fn manage(&self, ctx: &OpCtx, spec: &VolumeSpec, name: &str) -> Result<Outcome<Volume>>;

    /// Lets go of a volume under the name that is returned, which [`Manage::manage`] takes.
    ///
    /// - \[manage.4\] Every byte stays; the volume is not listed any more. Attached or with snapshots: `Busy`.
    async fn unmanage(&self, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<String>>;
}
