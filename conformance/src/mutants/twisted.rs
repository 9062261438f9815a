//! The wrapper around a driver that asks a [`Twist`] first.

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

use super::twist::Twist;
use crate::offers::offers_what_inner_has;

/// A driver of which a [`Twist`] does something otherwise. It offers the capabilities of the driver inside, all of them.
pub struct Twisted<T> {
    inner: Arc<dyn Driver>,
    twist: T,
}

/// A driver with a twist.
pub fn twisted<T: Twist + Default>(inner: Arc<dyn Driver>) -> Arc<dyn Driver> {
    Arc::new(Twisted { inner, twist: T::default() })
}

#[async_trait]
impl<T: Twist> Driver for Twisted<T> {
    fn info(&self) -> DriverInfo {
        self.inner.info()
    }

    async fn stats(&self, ctx: &OpCtx) -> Result<BackendStats> {
        self.twist.stats(self.inner.as_ref(), ctx).await
    }

    async fn inspect(&self, ctx: &OpCtx, volume: &VolumeRef) -> Result<Option<Volume>> {
        self.twist.inspect(self.inner.as_ref(), ctx, volume).await
    }

    async fn inspect_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Option<Snapshot>> {
        self.twist.inspect_snapshot(self.inner.as_ref(), ctx, snapshot).await
    }

    async fn list(&self, ctx: &OpCtx) -> Result<Inventory> {
        self.twist.list(self.inner.as_ref(), ctx).await
    }

    async fn create(&self, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        self.twist.create(self.inner.as_ref(), ctx, spec).await
    }

    async fn delete(&self, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<()>> {
        self.twist.delete(self.inner.as_ref(), ctx, volume).await
    }

    async fn extend(&self, ctx: &OpCtx, volume: &VolumeRef, size: ByteCount) -> Result<Outcome<Volume>> {
        self.twist.extend(self.inner.as_ref(), ctx, volume, size).await
    }

    async fn create_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<Snapshot>> {
        self.twist.create_snapshot(self.inner.as_ref(), ctx, snapshot).await
    }

    async fn delete_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<()>> {
        self.twist.delete_snapshot(self.inner.as_ref(), ctx, snapshot).await
    }

    async fn create_from_snapshot(
        &self,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        source: &SnapshotRef,
    ) -> Result<Outcome<Volume>> {
        self.twist.create_from_snapshot(self.inner.as_ref(), ctx, spec, source).await
    }

    async fn clone_volume(&self, ctx: &OpCtx, spec: &VolumeSpec, source: &VolumeRef) -> Result<Outcome<Volume>> {
        self.twist.clone_volume(self.inner.as_ref(), ctx, spec, source).await
    }

    async fn attach(
        &self,
        ctx: &OpCtx,
        volume: &VolumeRef,
        attachment: &AttachmentSpec,
    ) -> Result<Outcome<ConnectionInfo>> {
        self.twist.attach(self.inner.as_ref(), ctx, volume, attachment).await
    }

    async fn detach(&self, ctx: &OpCtx, volume: &VolumeRef, which: Detach) -> Result<Outcome<()>> {
        self.twist.detach(self.inner.as_ref(), ctx, volume, which).await
    }

    async fn copy_image_to_volume(&self, ctx: &OpCtx, spec: &VolumeSpec, image: &ImageFile) -> Result<Outcome<Volume>> {
        self.twist.copy_image_to_volume(self.inner.as_ref(), ctx, spec, image).await
    }

    async fn copy_volume_to_image(&self, ctx: &OpCtx, volume: &VolumeRef, image: &ImageFile) -> Result<Outcome<()>> {
        self.twist.copy_volume_to_image(self.inner.as_ref(), ctx, volume, image).await
    }

    offers_what_inner_has!();
}

impl<T: Twist> MultiAttach for Twisted<T> {
    fn max_attachments(&self) -> u32 {
        self.inner.multi_attach().map_or(1, |inner| inner.max_attachments())
    }
}

impl<T: Twist> ActiveActive for Twisted<T> {
    fn max_hosts(&self) -> u32 {
        self.inner.active_active().map_or(1, |inner| inner.max_hosts())
    }
}

#[async_trait]
impl<T: Twist> OnlineExtend for Twisted<T> {
    async fn extend_attached(&self, ctx: &OpCtx, volume: &VolumeRef, size: ByteCount) -> Result<Outcome<Volume>> {
        self.twist.extend_attached(self.inner.as_ref(), ctx, volume, size).await
    }
}

#[async_trait]
impl<T: Twist> Revert for Twisted<T> {
    async fn revert(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<Volume>> {
        self.twist.revert(self.inner.as_ref(), ctx, snapshot).await
    }
}

#[async_trait]
impl<T: Twist> Manage for Twisted<T> {
    async fn foreign(&self, ctx: &OpCtx, pool: &PoolName) -> Result<Vec<Foreign>> {
        self.twist.foreign(self.inner.as_ref(), ctx, pool).await
    }

    async fn manage(&self, ctx: &OpCtx, spec: &VolumeSpec, name: &str) -> Result<Outcome<Volume>> {
        self.twist.manage(self.inner.as_ref(), ctx, spec, name).await
    }

    async fn unmanage(&self, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<String>> {
        self.twist.unmanage(self.inner.as_ref(), ctx, volume).await
    }
}

#[async_trait]
impl<T: Twist> GroupSnapshots for Twisted<T> {
    async fn create_group_snapshot(&self, ctx: &OpCtx, snapshots: &[SnapshotRef]) -> Result<Outcome<Vec<Snapshot>>> {
        self.twist.create_group_snapshot(self.inner.as_ref(), ctx, snapshots).await
    }
}

#[async_trait]
impl<T: Twist> Qos for Twisted<T> {
    async fn limit(&self, ctx: &OpCtx, volume: &VolumeRef, limits: &Limits) -> Result<Outcome<()>> {
        self.twist.limit(self.inner.as_ref(), ctx, volume, limits).await
    }
}

#[async_trait]
impl<T: Twist> Migrate for Twisted<T> {
    async fn migrate(&self, ctx: &OpCtx, volume: &VolumeRef, pool: &PoolName) -> Result<Outcome<Volume>> {
        self.twist.migrate(self.inner.as_ref(), ctx, volume, pool).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ashlar_common::{
        driver::{Capabilities, Driver},
        stats::Provisioning,
    };

    use super::{Twist, twisted};
    use crate::memory::{Backend, MemoryDriver, Settings};

    #[derive(Default)]
    struct Nothing;
    impl Twist for Nothing {}

    #[test]
    fn every_capability_is_forwarded() {
        for capable in [true, false] {
            let settings = Settings { capable, ..Settings::new(Provisioning::Thin) };
            let inner: Arc<dyn Driver> =
                Arc::new(MemoryDriver::open(Arc::new(Backend::new(settings))).expect("it can be reached"));
            let outer = twisted::<Nothing>(Arc::clone(&inner));
            assert_eq!(Capabilities::of(outer.as_ref()), Capabilities::of(inner.as_ref()));
            assert_eq!(Capabilities::of(outer.as_ref()).migrate, capable);
        }
    }
}
