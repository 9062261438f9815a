//! One call of a driver done otherwise, and all others as they are.

use ashlar_common::{
    driver::{
        AttachmentSpec, ConnectionInfo, Detach, Driver, Error, ImageFile, Inventory, Kind, OpCtx, Outcome, Result,
        Snapshot, SnapshotRef, Volume, VolumeRef, VolumeSpec,
        capability::{Foreign, Limits},
    },
    ids::PoolName,
    stats::BackendStats,
    units::ByteCount,
};
use async_trait::async_trait;

/// What a driver does otherwise than the one inside of it. Every call goes to that one, unless it is taken over here.
#[async_trait]
pub trait Twist: Send + Sync + 'static {
    /// [`Driver::stats`].
    async fn stats(&self, inner: &dyn Driver, ctx: &OpCtx) -> Result<BackendStats> {
        inner.stats(ctx).await
    }

    /// [`Driver::inspect`].
    async fn inspect(&self, inner: &dyn Driver, ctx: &OpCtx, volume: &VolumeRef) -> Result<Option<Volume>> {
        inner.inspect(ctx, volume).await
    }

    /// [`Driver::inspect_snapshot`].
    async fn inspect_snapshot(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        snapshot: &SnapshotRef,
    ) -> Result<Option<Snapshot>> {
        inner.inspect_snapshot(ctx, snapshot).await
    }

    /// [`Driver::list`].
    async fn list(&self, inner: &dyn Driver, ctx: &OpCtx) -> Result<Inventory> {
        inner.list(ctx).await
    }

    /// [`Driver::create`].
    async fn create(&self, inner: &dyn Driver, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        inner.create(ctx, spec).await
    }

    /// [`Driver::delete`].
    async fn delete(&self, inner: &dyn Driver, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<()>> {
        inner.delete(ctx, volume).await
    }

    /// [`Driver::extend`].
    async fn extend(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        volume: &VolumeRef,
        size: ByteCount,
    ) -> Result<Outcome<Volume>> {
        inner.extend(ctx, volume, size).await
    }

    /// [`Driver::create_snapshot`].
    async fn create_snapshot(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        snapshot: &SnapshotRef,
    ) -> Result<Outcome<Snapshot>> {
        inner.create_snapshot(ctx, snapshot).await
    }

    /// [`Driver::delete_snapshot`].
    async fn delete_snapshot(&self, inner: &dyn Driver, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<()>> {
        inner.delete_snapshot(ctx, snapshot).await
    }

    /// [`Driver::create_from_snapshot`].
    async fn create_from_snapshot(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        source: &SnapshotRef,
    ) -> Result<Outcome<Volume>> {
        inner.create_from_snapshot(ctx, spec, source).await
    }

    /// [`Driver::clone_volume`].
    async fn clone_volume(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        source: &VolumeRef,
    ) -> Result<Outcome<Volume>> {
        inner.clone_volume(ctx, spec, source).await
    }

    /// [`Driver::attach`].
    async fn attach(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        volume: &VolumeRef,
        attachment: &AttachmentSpec,
    ) -> Result<Outcome<ConnectionInfo>> {
        inner.attach(ctx, volume, attachment).await
    }

    /// [`Driver::detach`].
    async fn detach(&self, inner: &dyn Driver, ctx: &OpCtx, volume: &VolumeRef, which: Detach) -> Result<Outcome<()>> {
        inner.detach(ctx, volume, which).await
    }

    /// [`Driver::copy_image_to_volume`].
    async fn copy_image_to_volume(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        image: &ImageFile,
    ) -> Result<Outcome<Volume>> {
        inner.copy_image_to_volume(ctx, spec, image).await
    }

    /// [`Driver::copy_volume_to_image`].
    async fn copy_volume_to_image(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        volume: &VolumeRef,
        image: &ImageFile,
    ) -> Result<Outcome<()>> {
        inner.copy_volume_to_image(ctx, volume, image).await
    }

    /// `OnlineExtend::extend_attached`.
    async fn extend_attached(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        volume: &VolumeRef,
        size: ByteCount,
    ) -> Result<Outcome<Volume>> {
        offered(inner.online_extend())?.extend_attached(ctx, volume, size).await
    }

    /// `Revert::revert`.
    async fn revert(&self, inner: &dyn Driver, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<Volume>> {
        offered(inner.revert())?.revert(ctx, snapshot).await
    }

    /// `Manage::foreign`.
    async fn foreign(&self, inner: &dyn Driver, ctx: &OpCtx, pool: &PoolName) -> Result<Vec<Foreign>> {
        offered(inner.manage())?.foreign(ctx, pool).await
    }

    /// `Manage::manage`.
    async fn manage(&self, inner: &dyn Driver, ctx: &OpCtx, spec: &VolumeSpec, name: &str) -> Result<Outcome<Volume>> {
        offered(inner.manage())?.manage(ctx, spec, name).await
    }

    /// `Manage::unmanage`.
    async fn unmanage(&self, inner: &dyn Driver, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<String>> {
        offered(inner.manage())?.unmanage(ctx, volume).await
    }

    /// `GroupSnapshots::create_group_snapshot`.
    async fn create_group_snapshot(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        snapshots: &[SnapshotRef],
    ) -> Result<Outcome<Vec<Snapshot>>> {
        offered(inner.group_snapshots())?.create_group_snapshot(ctx, snapshots).await
    }

    /// `Qos::limit`.
    async fn limit(&self, inner: &dyn Driver, ctx: &OpCtx, volume: &VolumeRef, limits: &Limits) -> Result<Outcome<()>> {
        offered(inner.qos())?.limit(ctx, volume, limits).await
    }

    /// `Migrate::migrate`.
    async fn migrate(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        volume: &VolumeRef,
        pool: &PoolName,
    ) -> Result<Outcome<Volume>> {
        offered(inner.migrate())?.migrate(ctx, volume, pool).await
    }
}

/// A capability that is there, since a twisted driver offers what the one inside does.
fn offered<T>(capability: Option<T>) -> Result<T> {
    capability.ok_or_else(|| Error::new(Kind::Unsupported, "the driver inside does not offer that"))
}
