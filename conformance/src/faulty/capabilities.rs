//! The same for what only some drivers can do. An accessor of [`Faulty`] answers only where the driver's own does, so the
//! errors here are never seen.

use ashlar_common::{
    driver::{
        Error, Kind, OpCtx, Outcome, Result, Snapshot, SnapshotRef, Volume, VolumeRef, VolumeSpec,
        capability::{
            ActiveActive, Foreign, GroupSnapshots, Limits, Manage, Migrate, MultiAttach, OnlineExtend, Qos, Revert,
        },
    },
    ids::PoolName,
    units::ByteCount,
};
use async_trait::async_trait;

use super::Faulty;

fn lost() -> Error {
    Error::new(Kind::Fatal, "the driver had this capability when it was asked, and has it no more")
}

impl MultiAttach for Faulty {
    fn max_attachments(&self) -> u32 {
        self.inner.multi_attach().map_or(1, MultiAttach::max_attachments)
    }
}

impl ActiveActive for Faulty {
    fn max_hosts(&self) -> u32 {
        self.inner.active_active().map_or(1, ActiveActive::max_hosts)
    }
}

#[async_trait]
impl OnlineExtend for Faulty {
    async fn extend_attached(&self, ctx: &OpCtx, volume: &VolumeRef, size: ByteCount) -> Result<Outcome<Volume>> {
        let inner = self.inner.online_extend().ok_or_else(lost)?;
        self.call(ctx, "extend_attached", inner.extend_attached(ctx, volume, size)).await
    }
}

#[async_trait]
impl Revert for Faulty {
    async fn revert(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<Volume>> {
        let inner = self.inner.revert().ok_or_else(lost)?;
        self.call(ctx, "revert", inner.revert(ctx, snapshot)).await
    }
}

#[async_trait]
impl Manage for Faulty {
    async fn foreign(&self, ctx: &OpCtx, pool: &PoolName) -> Result<Vec<Foreign>> {
        let inner = self.inner.manage().ok_or_else(lost)?;
        self.call(ctx, "foreign", inner.foreign(ctx, pool)).await
    }

    async fn manage(&self, ctx: &OpCtx, spec: &VolumeSpec, name: &str) -> Result<Outcome<Volume>> {
        let inner = self.inner.manage().ok_or_else(lost)?;
        self.call(ctx, "manage", inner.manage(ctx, spec, name)).await
    }

    async fn unmanage(&self, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<String>> {
        let inner = self.inner.manage().ok_or_else(lost)?;
        self.call(ctx, "unmanage", inner.unmanage(ctx, volume)).await
    }
}

#[async_trait]
impl GroupSnapshots for Faulty {
    async fn create_group_snapshot(&self, ctx: &OpCtx, snapshots: &[SnapshotRef]) -> Result<Outcome<Vec<Snapshot>>> {
        let inner = self.inner.group_snapshots().ok_or_else(lost)?;
        self.call(ctx, "create_group_snapshot", inner.create_group_snapshot(ctx, snapshots)).await
    }
}

#[async_trait]
impl Qos for Faulty {
    async fn limit(&self, ctx: &OpCtx, volume: &VolumeRef, limits: &Limits) -> Result<Outcome<()>> {
        let inner = self.inner.qos().ok_or_else(lost)?;
        self.call(ctx, "limit", inner.limit(ctx, volume, limits)).await
    }
}

#[async_trait]
impl Migrate for Faulty {
    async fn migrate(&self, ctx: &OpCtx, volume: &VolumeRef, pool: &PoolName) -> Result<Outcome<Volume>> {
        let inner = self.inner.migrate().ok_or_else(lost)?;
        self.call(ctx, "migrate", inner.migrate(ctx, volume, pool)).await
    }
}
