//! The driver contract over one file store.

use ashlar_common::{
    driver::{
        AccessMode, AttachmentSpec, ConnectionInfo, Detach, Driver, DriverInfo, ImageFile, Inventory, OpCtx, Outcome,
        Result, Snapshot, SnapshotRef, Volume, VolumeRef, VolumeSpec,
        capability::{MultiAttach, OnlineExtend, Revert},
    },
    stats::BackendStats,
    units::ByteCount,
};
use ashlar_file_volumes::{Export, FileStore};
use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::{config::Config, error::Error};

/// Volumes as files in one directory.
#[derive(Clone, Debug)]
pub struct LocalDriver {
    store: FileStore,
    max_attachments: u32,
}

impl LocalDriver {
    /// Who this driver is, in every configuration.
    #[must_use]
    pub fn identity() -> DriverInfo {
        DriverInfo {
            name: "local".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            vendor_name: "Ashlar".to_owned(),
            storage_protocol: "local".to_owned(),
        }
    }

    /// Opens the configured directory, makes what is missing in it, and removes what dead processes left half done.
    /// Blocks for a few system calls.
    ///
    /// # Errors
    /// [`Error`] naming the setting or the thing that is missing, and the fix.
    #[expect(clippy::needless_pass_by_value, reason = "every driver is opened with its own configuration")]
    pub fn open(config: Config) -> std::result::Result<Self, Error> {
        let options = config.options()?;
        let max_attachments = options.max_attachments.get();
        Ok(Self { store: FileStore::open(&config.path, options)?, max_attachments })
    }

    /// Whether snapshots and clones share blocks with their source, so that they are quick, and can be made of an
    /// attached volume.
    #[must_use]
    pub fn shares_blocks(&self) -> bool {
        self.store.shares_blocks()
    }

    /// The store, if the volume is in its pool. Another name is an error for every call: after a change of the
    /// configuration "no such volume" would make the manager forget volumes that are there.
    fn store_of(&self, volume: &VolumeRef) -> std::result::Result<&FileStore, Error> {
        let has = self.store.pool();
        if volume.pool == *has {
            return Ok(&self.store);
        }
        Err(Error::NoPool { asked: volume.pool.clone(), has: has.clone() })
    }
}

#[async_trait]
impl Driver for LocalDriver {
    fn info(&self) -> DriverInfo {
        Self::identity()
    }

    async fn stats(&self, ctx: &OpCtx) -> Result<BackendStats> {
        Ok(BackendStats { pools: vec![self.store.stats(ctx).await?] })
    }

    async fn inspect(&self, ctx: &OpCtx, volume: &VolumeRef) -> Result<Option<Volume>> {
        self.store_of(volume)?.inspect(ctx, volume.id).await
    }

    async fn inspect_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Option<Snapshot>> {
        self.store_of(&snapshot.volume)?.inspect_snapshot(ctx, snapshot).await
    }

    async fn list(&self, ctx: &OpCtx) -> Result<Inventory> {
        let volumes = self.store.list_volumes(ctx).await?;
        let snapshots = self.store.list_snapshots(ctx).await?;
        Ok(Inventory { volumes, snapshots })
    }

    async fn create(&self, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        self.store_of(&spec.volume)?.create(ctx, spec).await
    }

    async fn delete(&self, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<()>> {
        self.store_of(volume)?.delete(ctx, volume.id).await
    }

    async fn extend(&self, ctx: &OpCtx, volume: &VolumeRef, size: ByteCount) -> Result<Outcome<Volume>> {
        self.store_of(volume)?.extend(ctx, volume.id, size).await
    }

    async fn create_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<Snapshot>> {
        self.store_of(&snapshot.volume)?.create_snapshot(ctx, snapshot).await
    }

    async fn delete_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<()>> {
        self.store_of(&snapshot.volume)?.delete_snapshot(ctx, snapshot).await
    }

    async fn create_from_snapshot(
        &self,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        source: &SnapshotRef,
    ) -> Result<Outcome<Volume>> {
        self.store_of(&source.volume)?;
        self.store_of(&spec.volume)?.create_from_snapshot(ctx, spec, source).await
    }

    async fn clone_volume(&self, ctx: &OpCtx, spec: &VolumeSpec, source: &VolumeRef) -> Result<Outcome<Volume>> {
        self.store_of(source)?;
        self.store_of(&spec.volume)?.clone_volume(ctx, spec, source.id).await
    }

    async fn attach(
        &self,
        ctx: &OpCtx,
        volume: &VolumeRef,
        attachment: &AttachmentSpec,
    ) -> Result<Outcome<ConnectionInfo>> {
        Ok(match self.store_of(volume)?.attach(ctx, volume.id, attachment).await? {
            Outcome::Changed(export) => Outcome::Changed(connection(volume, attachment, &export)),
            Outcome::Unchanged(export) => Outcome::Unchanged(connection(volume, attachment, &export)),
        })
    }

    async fn detach(&self, ctx: &OpCtx, volume: &VolumeRef, which: Detach) -> Result<Outcome<()>> {
        self.store_of(volume)?.detach(ctx, volume.id, which).await
    }

    async fn copy_image_to_volume(&self, ctx: &OpCtx, spec: &VolumeSpec, image: &ImageFile) -> Result<Outcome<Volume>> {
        self.store_of(&spec.volume)?.copy_image_to_volume(ctx, spec, image).await
    }

    async fn copy_volume_to_image(&self, ctx: &OpCtx, volume: &VolumeRef, image: &ImageFile) -> Result<Outcome<()>> {
        self.store_of(volume)?.copy_volume_to_image(ctx, volume.id, image).await
    }

    fn multi_attach(&self) -> Option<&dyn MultiAttach> {
        (self.max_attachments > 1).then_some(self)
    }

    fn online_extend(&self) -> Option<&dyn OnlineExtend> {
        Some(self)
    }

    fn revert(&self) -> Option<&dyn Revert> {
        Some(self)
    }
}

impl MultiAttach for LocalDriver {
    fn max_attachments(&self) -> u32 {
        self.max_attachments
    }
}

#[async_trait]
impl OnlineExtend for LocalDriver {
    async fn extend_attached(&self, ctx: &OpCtx, volume: &VolumeRef, size: ByteCount) -> Result<Outcome<Volume>> {
        self.store_of(volume)?.extend(ctx, volume.id, size).await
    }
}

#[async_trait]
impl Revert for LocalDriver {
    async fn revert(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<Volume>> {
        self.store_of(&snapshot.volume)?.revert(ctx, snapshot).await
    }
}

/// What os-brick's connector of type `local` opens, and what people want to see beside it.
fn connection(volume: &VolumeRef, attachment: &AttachmentSpec, export: &Export) -> ConnectionInfo {
    let mode = match attachment.mode {
        AccessMode::ReadWrite => "rw",
        AccessMode::ReadOnly => "ro",
    };
    let data = [
        ("device_path", Value::from(export.path.to_string_lossy())),
        ("access_mode", Value::from(mode)),
        ("attachment_id", Value::from(attachment.id.to_string())),
        ("volume_id", Value::from(volume.id.to_string())),
    ];
    let data: Map<_, _> = data.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    ConnectionInfo { driver_volume_type: "local".to_owned(), data }
}
