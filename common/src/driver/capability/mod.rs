//! What some backends can do besides the required core.

mod group;
mod manage;
mod migrate;
mod qos;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use self::{
    group::GroupSnapshots,
    manage::{Foreign, Manage},
    migrate::Migrate,
    qos::{Limits, Qos},
};
use super::{
    context::OpCtx,
    contract::Driver,
    error::Result,
    spec::{Outcome, SnapshotRef, Volume, VolumeRef},
};
use crate::units::ByteCount;

/// Several attachments of one volume at a time.
pub trait MultiAttach: Send + Sync {
    /// How many attachments one volume may have.
    fn max_attachments(&self) -> u32;
}

/// Growing a volume while clients hold it.
#[async_trait]
pub trait OnlineExtend: Send + Sync {
    /// Grows an attached volume, with the clauses of [`Driver::extend`].
    async fn extend_attached(&self, ctx: &OpCtx, volume: &VolumeRef, size: ByteCount) -> Result<Outcome<Volume>>;
}

/// Putting a volume back to what a snapshot of it holds.
#[async_trait]
pub trait Revert: Send + Sync {
    /// Makes the volume's bytes those of the snapshot.
    ///
    /// - \[revert.1\] Bytes equal the snapshot's up to its size; the volume keeps its own size, its tail reads zero.
    /// - \[revert.2\] The snapshot and every other snapshot stay as they are.
    /// - \[revert.3\] All or nothing: stopped at any instant, the volume holds the old bytes or the new ones.
    /// - \[revert.4\] Attached: `Busy`, untouched.
    async fn revert(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<Volume>>;
}

/// Several hosts on one backend at a time.
pub trait ActiveActive: Send + Sync {
    /// How many hosts may serve the backend at once. The contract's clauses hold for calls on different hosts as they do
    /// for calls on one.
    fn max_hosts(&self) -> u32;
}

/// What a driver can do besides the core, as a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// [`MultiAttach`].
    pub multi_attach: bool,
    /// [`OnlineExtend`].
    pub online_extend: bool,
    /// [`Revert`].
    pub revert: bool,
    /// [`Manage`].
    #[serde(default)]
    pub manage: bool,
    /// [`GroupSnapshots`].
    #[serde(default)]
    pub group_snapshots: bool,
    /// [`Qos`].
    #[serde(default)]
    pub qos: bool,
    /// [`Migrate`].
    #[serde(default)]
    pub migrate: bool,
    /// [`ActiveActive`].
    #[serde(default)]
    pub active_active: bool,
}

impl Capabilities {
    /// Reads the report from the driver's accessors. Nothing declares capabilities anywhere else.
    pub fn of(driver: &dyn Driver) -> Self {
        Self {
            multi_attach: driver.multi_attach().is_some(),
            online_extend: driver.online_extend().is_some(),
            revert: driver.revert().is_some(),
            manage: driver.manage().is_some(),
            group_snapshots: driver.group_snapshots().is_some(),
            qos: driver.qos().is_some(),
            migrate: driver.migrate().is_some(),
            active_active: driver.active_active().is_some(),
        }
    }
}
