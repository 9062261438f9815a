//! The driver contract over one volume group.

use std::sync::Arc;

use ashlar_common::{
    driver::{
        AttachmentSpec, ConnectionInfo, Detach, Driver, DriverInfo, ImageFile, Inventory, OpCtx, Outcome, Result,
        Snapshot, SnapshotRef, Volume, VolumeRef, VolumeSpec,
        capability::{Foreign, GroupSnapshots, Manage, MultiAttach, OnlineExtend, Revert},
    },
    ids::{PoolName, VolumeId},
    stats::BackendStats,
    units::ByteCount,
};
use async_trait::async_trait;

use crate::{
    attach,
    backend::{Backend, Kind},
    config::Config,
    error::Error,
    group,
    lvm::Lv,
    manage, open, snapshots, sources, stats, transfer, volumes,
};

/// Volumes as logical volumes of one volume group.
#[derive(Clone, Debug)]
pub struct LvmDriver(Arc<Backend>);

impl LvmDriver {
    /// Who this driver is, in every configuration.
    #[must_use]
    pub fn identity() -> DriverInfo {
        DriverInfo {
            name: "lvm".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            vendor_name: "Ashlar".to_owned(),
            storage_protocol: "iSCSI".to_owned(),
        }
    }

    /// Opens the configured volume group. Where no other process serves it, this one does from now on, and what another
    /// left half done is finished first; else it only looks.
    ///
    /// # Errors
    /// [`Error`] naming the setting or the thing that is missing, and the fix.
    pub async fn open(ctx: &OpCtx, config: Config) -> std::result::Result<Self, Error> {
        Ok(Self(Arc::new(open::open(ctx, config).await?)))
    }

    /// What it is made of, for tests that look below the contract.
    #[must_use]
    pub fn backend(&self) -> &Backend {
        &self.0
    }

    fn of(&self, volume: &VolumeRef) -> std::result::Result<&Backend, Error> {
        self.0.check_pool(volume)?;
        Ok(&self.0)
    }

    async fn told(&self, id: VolumeId, outcome: Outcome<Lv>) -> Outcome<Volume> {
        match outcome {
            Outcome::Changed(lv) => Outcome::Changed(self.0.volume(id, &lv).await),
            Outcome::Unchanged(lv) => Outcome::Unchanged(self.0.volume(id, &lv).await),
        }
    }
}

#[async_trait]
impl Driver for LvmDriver {
    fn info(&self) -> DriverInfo {
        Self::identity()
    }

    async fn stats(&self, ctx: &OpCtx) -> Result<BackendStats> {
        Ok(stats::stats(&self.0, ctx).await?)
    }

    async fn inspect(&self, ctx: &OpCtx, volume: &VolumeRef) -> Result<Option<Volume>> {
        Ok(volumes::inspect(self.of(volume)?, ctx, volume.id).await?)
    }

    async fn inspect_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Option<Snapshot>> {
        Ok(snapshots::inspect(self.of(&snapshot.volume)?, ctx, snapshot).await?)
    }

    async fn list(&self, ctx: &OpCtx) -> Result<Inventory> {
        Ok(volumes::list(&self.0, ctx).await?)
    }

    async fn create(&self, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        let made = volumes::create(self.of(&spec.volume)?, ctx, spec).await?;
        Ok(self.told(spec.volume.id, made).await)
    }

    async fn delete(&self, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<()>> {
        Ok(volumes::delete(self.of(volume)?, ctx, volume.id).await?)
    }

    async fn extend(&self, ctx: &OpCtx, volume: &VolumeRef, size: ByteCount) -> Result<Outcome<Volume>> {
        let grown = volumes::extend(self.of(volume)?, ctx, volume.id, size).await?;
        Ok(self.told(volume.id, grown).await)
    }

    async fn create_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<Snapshot>> {
        let of = |lv: &Lv| snapshots::snapshot(snapshot.clone(), lv);
        Ok(match snapshots::create(self.of(&snapshot.volume)?, ctx, snapshot).await? {
            Outcome::Changed(lv) => Outcome::Changed(of(&lv)),
            Outcome::Unchanged(lv) => Outcome::Unchanged(of(&lv)),
        })
    }

    async fn delete_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<()>> {
        Ok(snapshots::delete(self.of(&snapshot.volume)?, ctx, snapshot).await?)
    }

    async fn create_from_snapshot(
        &self,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        source: &SnapshotRef,
    ) -> Result<Outcome<Volume>> {
        self.of(&source.volume)?;
        let made = sources::from_snapshot(self.of(&spec.volume)?, ctx, spec, source).await?;
        Ok(self.told(spec.volume.id, made).await)
    }

    async fn clone_volume(&self, ctx: &OpCtx, spec: &VolumeSpec, source: &VolumeRef) -> Result<Outcome<Volume>> {
        self.of(source)?;
        let made = sources::clone_volume(self.of(&spec.volume)?, ctx, spec, source.id).await?;
        Ok(self.told(spec.volume.id, made).await)
    }

    async fn attach(
        &self,
        ctx: &OpCtx,
        volume: &VolumeRef,
        attachment: &AttachmentSpec,
    ) -> Result<Outcome<ConnectionInfo>> {
        Ok(attach::attach(self.of(volume)?, ctx, volume.id, attachment).await?)
    }

    async fn detach(&self, ctx: &OpCtx, volume: &VolumeRef, which: Detach) -> Result<Outcome<()>> {
        Ok(attach::detach(self.of(volume)?, ctx, volume.id, which).await?)
    }

    async fn copy_image_to_volume(&self, ctx: &OpCtx, spec: &VolumeSpec, image: &ImageFile) -> Result<Outcome<Volume>> {
        let made = transfer::image_to_volume(self.of(&spec.volume)?, ctx, spec, image).await?;
        Ok(self.told(spec.volume.id, made).await)
    }

    async fn copy_volume_to_image(&self, ctx: &OpCtx, volume: &VolumeRef, image: &ImageFile) -> Result<Outcome<()>> {
        Ok(transfer::volume_to_image(self.of(volume)?, ctx, volume, image).await?)
    }

    fn multi_attach(&self) -> Option<&dyn MultiAttach> {
        (self.0.config.max_attachments() > 1).then_some(self)
    }

    fn online_extend(&self) -> Option<&dyn OnlineExtend> {
        Some(self)
    }

    fn revert(&self) -> Option<&dyn Revert> {
        Some(self)
    }

    fn manage(&self) -> Option<&dyn Manage> {
        Some(self)
    }

    fn group_snapshots(&self) -> Option<&dyn GroupSnapshots> {
        // A thick snapshot suspends its volume alone and takes its time: the writes of the others would wait too long.
        matches!(self.0.kind, Kind::Thin(_)).then_some(self)
    }
}

impl MultiAttach for LvmDriver {
    fn max_attachments(&self) -> u32 {
        self.0.config.max_attachments()
    }
}

#[async_trait]
impl OnlineExtend for LvmDriver {
    async fn extend_attached(&self, ctx: &OpCtx, volume: &VolumeRef, size: ByteCount) -> Result<Outcome<Volume>> {
        self.extend(ctx, volume, size).await
    }
}

#[async_trait]
impl Revert for LvmDriver {
    async fn revert(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<Volume>> {
        let lv = sources::revert(self.of(&snapshot.volume)?, ctx, snapshot).await?;
        Ok(Outcome::Changed(self.0.volume(snapshot.volume.id, &lv).await))
    }
}

#[async_trait]
impl Manage for LvmDriver {
    async fn foreign(&self, ctx: &OpCtx, pool: &PoolName) -> Result<Vec<Foreign>> {
        let nobody = VolumeRef { id: VolumeId::new(), pool: pool.clone() };
        Ok(manage::foreign(self.of(&nobody)?, ctx).await?)
    }

    async fn manage(&self, ctx: &OpCtx, spec: &VolumeSpec, name: &str) -> Result<Outcome<Volume>> {
        let lv = manage::manage(self.of(&spec.volume)?, ctx, spec, name).await?;
        Ok(self.told(spec.volume.id, lv).await)
    }

    async fn unmanage(&self, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<String>> {
        Ok(manage::unmanage(self.of(volume)?, ctx, volume.id).await?)
    }
}

#[async_trait]
impl GroupSnapshots for LvmDriver {
    async fn create_group_snapshot(&self, ctx: &OpCtx, snapshots: &[SnapshotRef]) -> Result<Outcome<Vec<Snapshot>>> {
        for snapshot in snapshots {
            self.of(&snapshot.volume)?;
        }
        Ok(group::create(&self.0, ctx, snapshots).await?)
    }
}
