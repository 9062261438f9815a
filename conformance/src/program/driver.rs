//! The driver contract over a program.

use std::sync::Arc;

use ashlar_common::{
    driver::{
        AttachmentSpec, ConnectionInfo, Detach, Driver, DriverInfo, ImageFile, Inventory, OpCtx, Outcome, Result,
        Snapshot, SnapshotRef, Volume, VolumeRef, VolumeSpec,
        capability::{
            ActiveActive, Foreign, GroupSnapshots, Limits, Manage, Migrate, MultiAttach, OnlineExtend, Qos, Revert,
        },
    },
    host::calls::Call,
    ids::PoolName,
    stats::BackendStats,
    units::ByteCount,
};
use async_trait::async_trait;

use super::link::Link;

/// The driver in a process. Its capabilities are those that the first line said.
pub(super) struct ProgramDriver {
    link: Arc<Link>,
}

impl ProgramDriver {
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self { link }
    }
}

#[async_trait]
impl Driver for ProgramDriver {
    fn info(&self) -> DriverInfo {
        self.link.greeting.driver.clone()
    }

    async fn stats(&self, ctx: &OpCtx) -> Result<BackendStats> {
        self.link.call(ctx, Call::Stats {}).await
    }

    async fn inspect(&self, ctx: &OpCtx, volume: &VolumeRef) -> Result<Option<Volume>> {
        self.link.call(ctx, Call::Inspect { volume: volume.clone() }).await
    }

    async fn inspect_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Option<Snapshot>> {
        self.link.call(ctx, Call::InspectSnapshot { snapshot: snapshot.clone() }).await
    }

    async fn list(&self, ctx: &OpCtx) -> Result<Inventory> {
        self.link.call(ctx, Call::List {}).await
    }

    async fn create(&self, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        self.link.call(ctx, Call::Create { spec: spec.clone() }).await
    }

    async fn delete(&self, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<()>> {
        self.link.call(ctx, Call::Delete { volume: volume.clone() }).await
    }

    async fn extend(&self, ctx: &OpCtx, volume: &VolumeRef, size: ByteCount) -> Result<Outcome<Volume>> {
        self.link.call(ctx, Call::Extend { volume: volume.clone(), size }).await
    }

    async fn create_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<Snapshot>> {
        self.link.call(ctx, Call::CreateSnapshot { snapshot: snapshot.clone() }).await
    }

    async fn delete_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<()>> {
        self.link.call(ctx, Call::DeleteSnapshot { snapshot: snapshot.clone() }).await
    }

    async fn create_from_snapshot(
        &self,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        source: &SnapshotRef,
    ) -> Result<Outcome<Volume>> {
        self.link.call(ctx, Call::CreateFromSnapshot { spec: spec.clone(), source: source.clone() }).await
    }

    async fn clone_volume(&self, ctx: &OpCtx, spec: &VolumeSpec, source: &VolumeRef) -> Result<Outcome<Volume>> {
        self.link.call(ctx, Call::CloneVolume { spec: spec.clone(), source: source.clone() }).await
    }

    async fn attach(
        &self,
        ctx: &OpCtx,
        volume: &VolumeRef,
        attachment: &AttachmentSpec,
    ) -> Result<Outcome<ConnectionInfo>> {
        let call = Call::Attach { volume: volume.clone(), attachment: attachment.clone() };
        let told: Outcome<ConnectionInfo> = self.link.call(ctx, call).await?;
        let (Outcome::Changed(connection) | Outcome::Unchanged(connection)) = &told;
        self.link.told(connection);
        Ok(told)
    }

    async fn detach(&self, ctx: &OpCtx, volume: &VolumeRef, which: Detach) -> Result<Outcome<()>> {
        self.link.call(ctx, Call::Detach { volume: volume.clone(), which }).await
    }

    async fn copy_image_to_volume(&self, ctx: &OpCtx, spec: &VolumeSpec, image: &ImageFile) -> Result<Outcome<Volume>> {
        self.link.call(ctx, Call::CopyImageToVolume { spec: spec.clone(), image: image.clone() }).await
    }

    async fn copy_volume_to_image(&self, ctx: &OpCtx, volume: &VolumeRef, image: &ImageFile) -> Result<Outcome<()>> {
        self.link.call(ctx, Call::CopyVolumeToImage { volume: volume.clone(), image: image.clone() }).await
    }

    fn multi_attach(&self) -> Option<&dyn MultiAttach> {
        self.link.greeting.capabilities.multi_attach.then_some(self as _)
    }

    fn online_extend(&self) -> Option<&dyn OnlineExtend> {
        self.link.greeting.capabilities.online_extend.then_some(self as _)
    }

    fn revert(&self) -> Option<&dyn Revert> {
        self.link.greeting.capabilities.revert.then_some(self as _)
    }

    fn manage(&self) -> Option<&dyn Manage> {
        self.link.greeting.capabilities.manage.then_some(self as _)
    }

    fn group_snapshots(&self) -> Option<&dyn GroupSnapshots> {
        self.link.greeting.capabilities.group_snapshots.then_some(self as _)
    }

    fn qos(&self) -> Option<&dyn Qos> {
        self.link.greeting.capabilities.qos.then_some(self as _)
    }

    fn migrate(&self) -> Option<&dyn Migrate> {
        self.link.greeting.capabilities.migrate.then_some(self as _)
    }

    fn active_active(&self) -> Option<&dyn ActiveActive> {
        self.link.greeting.capabilities.active_active.then_some(self as _)
    }
}

impl MultiAttach for ProgramDriver {
    fn max_attachments(&self) -> u32 {
        self.link.greeting.max_attachments.unwrap_or(1)
    }
}

impl ActiveActive for ProgramDriver {
    fn max_hosts(&self) -> u32 {
        self.link.greeting.max_hosts.unwrap_or(1)
    }
}

#[async_trait]
impl OnlineExtend for ProgramDriver {
    async fn extend_attached(&self, ctx: &OpCtx, volume: &VolumeRef, size: ByteCount) -> Result<Outcome<Volume>> {
        self.link.call(ctx, Call::ExtendAttached { volume: volume.clone(), size }).await
    }
}

#[async_trait]
impl Revert for ProgramDriver {
    async fn revert(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<Volume>> {
        self.link.call(ctx, Call::Revert { snapshot: snapshot.clone() }).await
    }
}

#[async_trait]
impl Manage for ProgramDriver {
    async fn foreign(&self, ctx: &OpCtx, pool: &PoolName) -> Result<Vec<Foreign>> {
        self.link.call(ctx, Call::Foreign { pool: pool.clone() }).await
    }

    async fn manage(&self, ctx: &OpCtx, spec: &VolumeSpec, name: &str) -> Result<Outcome<Volume>> {
        self.link.call(ctx, Call::Manage { spec: spec.clone(), name: name.to_owned() }).await
    }

    async fn unmanage(&self, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<String>> {
        self.link.call(ctx, Call::Unmanage { volume: volume.clone() }).await
    }
}

#[async_trait]
impl GroupSnapshots for ProgramDriver {
    async fn create_group_snapshot(&self, ctx: &OpCtx, snapshots: &[SnapshotRef]) -> Result<Outcome<Vec<Snapshot>>> {
        self.link.call(ctx, Call::CreateGroupSnapshot { snapshots: snapshots.to_vec() }).await
    }
}

#[async_trait]
impl Qos for ProgramDriver {
    async fn limit(&self, ctx: &OpCtx, volume: &VolumeRef, limits: &Limits) -> Result<Outcome<()>> {
        self.link.call(ctx, Call::Limit { volume: volume.clone(), limits: *limits }).await
    }
}

#[async_trait]
impl Migrate for ProgramDriver {
    async fn migrate(&self, ctx: &OpCtx, volume: &VolumeRef, pool: &PoolName) -> Result<Outcome<Volume>> {
        self.link.call(ctx, Call::Migrate { volume: volume.clone(), pool: pool.clone() }).await
    }
}
