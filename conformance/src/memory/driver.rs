//! The driver contract over a backend in memory.

use std::sync::Arc;

use ashlar_common::{
    driver::{
        AttachmentSpec, ConnectionInfo, Detach, Driver, DriverInfo, ImageFile, Inventory, OpCtx, Outcome, Result,
        Snapshot, SnapshotRef, Volume, VolumeRef, VolumeSpec,
        capability::{
            ActiveActive, Foreign, GroupSnapshots, Limits, Manage, Migrate, MultiAttach, OnlineExtend, Qos, Revert,
        },
    },
    ids::PoolName,
    stats::BackendStats,
    units::ByteCount,
};
use async_trait::async_trait;

use super::{
    attachments::{MAX_ATTACHMENTS, PROTOCOL},
    backend::Backend,
    call::Call,
    error::Error,
    faults::Fault,
    state::shown_snapshot,
};

/// How many hosts may be open at once; more would work as well.
const MAX_HOSTS: u32 = 8;

/// One host on a [`Backend`].
#[derive(Debug)]
pub struct MemoryDriver {
    backend: Arc<Backend>,
    host: u64,
}

impl MemoryDriver {
    /// Opens the backend as a new host, and removes what dead hosts left half done.
    ///
    /// # Errors
    /// `Unavailable` while the backend cannot be reached.
    pub fn open(backend: Arc<Backend>) -> Result<Self> {
        if backend.is_away() {
            return Err(Error::Away.into());
        }
        let host = {
            let mut state = backend.state();
            if !backend.settings.broken(Fault::NothingIsSwept) {
                state.sweep();
            }
            state.next()
        };
        Ok(Self { backend, host })
    }

    /// The host's number, as in [`Step`](crate::steps::Step).
    #[must_use]
    pub fn host(&self) -> u64 {
        self.host
    }

    fn looking<'c>(&'c self, ctx: &'c OpCtx, name: &'static str) -> Call<'c> {
        Call { backend: &self.backend, host: self.host, ctx, name }
    }

    async fn changing<'c>(&'c self, ctx: &'c OpCtx, name: &'static str) -> std::result::Result<Call<'c>, Error> {
        self.looking(ctx, name).begin().await
    }

    fn capable(&self) -> Option<&Self> {
        self.backend.settings.capable.then_some(self)
    }
}

#[async_trait]
impl Driver for MemoryDriver {
    fn info(&self) -> DriverInfo {
        DriverInfo {
            name: "memory".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            vendor_name: "Ashlar".to_owned(),
            storage_protocol: PROTOCOL.to_owned(),
        }
    }

    async fn stats(&self, ctx: &OpCtx) -> Result<BackendStats> {
        let counted = self.backend.settings.capable;
        let call = self.looking(ctx, "stats");
        let stats = call.look(|state| Ok(state.pools.iter().map(|(name, pool)| pool.stats(name, counted)).collect()));
        Ok(BackendStats { pools: stats.await? })
    }

    async fn inspect(&self, ctx: &OpCtx, volume: &VolumeRef) -> Result<Option<Volume>> {
        Ok(self.looking(ctx, "inspect").look(|state| state.look(volume)).await?)
    }

    async fn inspect_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Option<Snapshot>> {
        Ok(self.looking(ctx, "inspect_snapshot").look(|state| state.look_snapshot(snapshot)).await?)
    }

    async fn list(&self, ctx: &OpCtx) -> Result<Inventory> {
        let call = self.looking(ctx, "list");
        let listed = call.look(|state| {
            let volumes = state.volumes.iter().map(|(id, held)| state.shown(*id, held)).collect();
            let snapshots = state.snapshots.iter().map(|(id, frozen)| shown_snapshot(*id, frozen)).collect();
            Ok(Inventory { volumes, snapshots })
        });
        Ok(listed.await?)
    }

    async fn create(&self, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        Ok(self.changing(ctx, "create").await?.create(spec).await?)
    }

    async fn delete(&self, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<()>> {
        Ok(self.changing(ctx, "delete").await?.delete(volume).await?)
    }

    async fn extend(&self, ctx: &OpCtx, volume: &VolumeRef, size: ByteCount) -> Result<Outcome<Volume>> {
        let attached = self.backend.settings.capable;
        Ok(self.changing(ctx, "extend").await?.extend(volume, size, attached).await?)
    }

    async fn create_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<Snapshot>> {
        Ok(self.changing(ctx, "create_snapshot").await?.create_snapshot(snapshot).await?)
    }

    async fn delete_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<()>> {
        Ok(self.changing(ctx, "delete_snapshot").await?.delete_snapshot(snapshot).await?)
    }

    async fn create_from_snapshot(
        &self,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        source: &SnapshotRef,
    ) -> Result<Outcome<Volume>> {
        Ok(self.changing(ctx, "create_from_snapshot").await?.create_from_snapshot(spec, source).await?)
    }

    async fn clone_volume(&self, ctx: &OpCtx, spec: &VolumeSpec, source: &VolumeRef) -> Result<Outcome<Volume>> {
        Ok(self.changing(ctx, "clone_volume").await?.clone_volume(spec, source).await?)
    }

    async fn attach(
        &self,
        ctx: &OpCtx,
        volume: &VolumeRef,
        attachment: &AttachmentSpec,
    ) -> Result<Outcome<ConnectionInfo>> {
        Ok(self.changing(ctx, "attach").await?.attach(volume, attachment).await?)
    }

    async fn detach(&self, ctx: &OpCtx, volume: &VolumeRef, which: Detach) -> Result<Outcome<()>> {
        Ok(self.changing(ctx, "detach").await?.detach(volume, which).await?)
    }

    async fn copy_image_to_volume(&self, ctx: &OpCtx, spec: &VolumeSpec, image: &ImageFile) -> Result<Outcome<Volume>> {
        self.changing(ctx, "copy_image_to_volume").await?.copy_image_to_volume(spec, image).await
    }

    async fn copy_volume_to_image(&self, ctx: &OpCtx, volume: &VolumeRef, image: &ImageFile) -> Result<Outcome<()>> {
        self.changing(ctx, "copy_volume_to_image").await?.copy_volume_to_image(volume, image).await
    }

    fn multi_attach(&self) -> Option<&dyn MultiAttach> {
        self.capable().map(|driver| driver as _)
    }

    fn online_extend(&self) -> Option<&dyn OnlineExtend> {
        self.capable().map(|driver| driver as _)
    }

    fn revert(&self) -> Option<&dyn Revert> {
        self.capable().map(|driver| driver as _)
    }

    fn manage(&self) -> Option<&dyn Manage> {
        self.capable().map(|driver| driver as _)
    }

    fn group_snapshots(&self) -> Option<&dyn GroupSnapshots> {
        self.capable().map(|driver| driver as _)
    }

    fn qos(&self) -> Option<&dyn Qos> {
        self.capable().map(|driver| driver as _)
    }

    fn migrate(&self) -> Option<&dyn Migrate> {
        self.capable().map(|driver| driver as _)
    }

    fn active_active(&self) -> Option<&dyn ActiveActive> {
        self.capable().map(|driver| driver as _)
    }
}

impl MultiAttach for MemoryDriver {
    fn max_attachments(&self) -> u32 {
        MAX_ATTACHMENTS
    }
}

impl ActiveActive for MemoryDriver {
    fn max_hosts(&self) -> u32 {
        MAX_HOSTS
    }
}

#[async_trait]
impl OnlineExtend for MemoryDriver {
    async fn extend_attached(&self, ctx: &OpCtx, volume: &VolumeRef, size: ByteCount) -> Result<Outcome<Volume>> {
        Ok(self.changing(ctx, "extend_attached").await?.extend(volume, size, true).await?)
    }
}

#[async_trait]
impl Revert for MemoryDriver {
    async fn revert(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<Volume>> {
        Ok(self.changing(ctx, "revert").await?.revert(snapshot).await?)
    }
}

#[async_trait]
impl GroupSnapshots for MemoryDriver {
    async fn create_group_snapshot(&self, ctx: &OpCtx, snapshots: &[SnapshotRef]) -> Result<Outcome<Vec<Snapshot>>> {
        Ok(self.changing(ctx, "create_group_snapshot").await?.create_snapshots(snapshots).await?)
    }
}

#[async_trait]
impl Manage for MemoryDriver {
    async fn foreign(&self, ctx: &OpCtx, pool: &PoolName) -> Result<Vec<Foreign>> {
        Ok(self.looking(ctx, "foreign").foreign(pool).await?)
    }

    async fn manage(&self, ctx: &OpCtx, spec: &VolumeSpec, name: &str) -> Result<Outcome<Volume>> {
        Ok(self.changing(ctx, "manage").await?.manage(spec, name).await?)
    }

    async fn unmanage(&self, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<String>> {
        Ok(self.changing(ctx, "unmanage").await?.unmanage(volume).await?)
    }
}

#[async_trait]
impl Qos for MemoryDriver {
    async fn limit(&self, ctx: &OpCtx, volume: &VolumeRef, limits: &Limits) -> Result<Outcome<()>> {
        Ok(self.changing(ctx, "limit").await?.limit(volume, limits).await?)
    }
}

#[async_trait]
impl Migrate for MemoryDriver {
    async fn migrate(&self, ctx: &OpCtx, volume: &VolumeRef, pool: &PoolName) -> Result<Outcome<Volume>> {
        Ok(self.changing(ctx, "migrate").await?.migrate(volume, pool).await?)
    }
}
