//! One volume group that is served, and what every call needs of it.

use std::{collections::BTreeMap, sync::Arc};

use ashlar_common::{
    bytes::Throttle,
    driver::{OpCtx, Volume, VolumeRef, VolumeSpec},
    ids::{AttachmentId, VolumeId},
    units::ByteCount,
};
use tokio::sync::RwLock;

use crate::{
    burials::Burials,
    config::Config,
    error::Error,
    exports::{Backing, Exports},
    fill::Fill,
    host::HostLock,
    locks::Locks,
    lvm::{Lv, Lvm},
    names::{LvName, Tag},
    open,
    swaps::Swaps,
    sweep,
    thick::{self, Home, New},
};

/// The unit of sizes: a device-mapper device is a whole number of these.
const SECTOR: u64 = 512;
/// `MAX_EXTENT_COUNT` of LVM2: a volume has no more extents than this.
const MOST_EXTENTS: u64 = u32::MAX as u64;

/// How volumes take their room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// As bytes are written, from this pool.
    Thin(LvName),
    /// When they are made.
    Thick,
}

/// One volume group, with all that belongs to it.
#[derive(Debug)]
pub struct Backend {
    /// The tools of LVM.
    pub lvm: Lvm,
    /// Thin or thick.
    pub kind: Kind,
    /// The driver's section of the configuration.
    pub config: Config,
    /// Who works on what.
    pub locks: Locks,
    /// How full the thin pool is.
    pub fill: Fill,
    /// Thick volumes that go back to a snapshot.
    pub reverts: thick::Reverts,
    /// Thin reverts that stopped in the middle.
    pub(crate) swaps: Swaps,
    /// Dead volumes that are wiped.
    pub(crate) burials: Burials,
    /// The size of an extent.
    pub extent: ByteCount,
    exports: RwLock<Arc<Exports>>,
    /// There while this process is the one that changes the volume group.
    host: tokio::sync::Mutex<Option<HostLock>>,
}

impl Backend {
    /// Puts it together; it only looks until [`Backend::serve`] is called.
    pub(crate) fn new(lvm: Lvm, kind: Kind, config: Config, extent: ByteCount, exports: Exports) -> Self {
        let fill = Fill::new(config.thin_data_mark, config.thin_metadata_mark);
        let exports = RwLock::new(Arc::new(exports));
        let reverts = thick::Reverts::new(lvm.clone(), throttle(&config));
        let locks = Locks::default();
        Self {
            reverts,
            swaps: Swaps::default(),
            burials: Burials::new(lvm.clone(), locks.clone()),
            lvm,
            kind,
            config,
            locks,
            fill,
            extent,
            exports,
            host: tokio::sync::Mutex::default(),
        }
    }

    /// Has this process be the one that changes the volume group, from now until it ends. Where it was not until now,
    /// what another left half done is finished or undone first.
    ///
    /// # Errors
    /// [`Error::OtherHost`] while another process serves it; [`Error::NotBegun`].
    pub async fn serve(&self, ctx: &OpCtx) -> Result<(), Error> {
        let host = ctx.bounded(self.host.lock()).await;
        let mut host = host.map_err(|source| Error::NotBegun { doing: "serving".to_owned(), source })?;
        if host.is_some() {
            return Ok(());
        }
        let lock = HostLock::take(ctx, self.lvm.state(), self.lvm.name()).await?;
        open::ensure_pool(self, ctx).await?;
        let found = sweep::sweep(self, ctx).await?;
        if self.config.wipe_on_delete {
            self.burials.start(sweep::dead(&found));
        }
        self.restore(ctx, &sweep::backings(&found)).await?;
        self.reverts.resume(&found);
        *host = Some(lock);
        Ok(())
    }

    async fn restore(&self, ctx: &OpCtx, backings: &BTreeMap<VolumeId, Backing>) -> Result<(), Error> {
        // Records that another process wrote are read anew.
        let exports = Exports::open(ctx, &self.config.target, self.lvm.state(), self.lvm.name().as_str()).await?;
        exports.restore(ctx, backings).await?;
        *self.exports.write().await = Arc::new(exports);
        Ok(())
    }

    /// What is exported.
    pub async fn exports(&self) -> Arc<Exports> {
        Arc::clone(&*self.exports.read().await)
    }

    /// An error for a volume that is not in the configured pool. "No such volume" would make the manager forget volumes
    /// that are there.
    pub(crate) fn check_pool(&self, volume: &VolumeRef) -> Result<(), Error> {
        if volume.pool == self.config.pool {
            return Ok(());
        }
        Err(Error::NoPool { asked: volume.pool.clone(), has: self.config.pool.clone() })
    }

    /// An error for a size that no volume here can have.
    pub(crate) fn check_size(&self, size: ByteCount) -> Result<(), Error> {
        if size == ByteCount::ZERO {
            return Err(Error::Invalid("a volume has at least one byte".to_owned()));
        }
        if !size.bytes().is_multiple_of(SECTOR) {
            let text = format!("{} bytes are no volume here: sizes are whole sectors of {SECTOR} bytes", size.bytes());
            return Err(Error::Invalid(text));
        }
        if size.bytes().div_ceil(self.extent.bytes()) > MOST_EXTENTS {
            let (vg, extent) = (self.lvm.name(), self.extent);
            return Err(Error::Invalid(format!(
                "{size} are more than a volume of {vg} can have, with extents of {extent}"
            )));
        }
        Ok(())
    }

    /// Finishes a thin revert of that volume that stopped in the middle. The caller holds the volume.
    pub(crate) async fn settle(&self, ctx: &OpCtx, volume: VolumeId) -> Result<(), Error> {
        self.swaps.settle(&self.lvm, ctx, volume).await
    }

    /// Refuses new work in a thin pool that is nearly full.
    pub(crate) async fn check_fill(&self, ctx: &OpCtx) -> Result<(), Error> {
        match &self.kind {
            Kind::Thin(pool) => self.fill.check(ctx, &self.lvm, pool).await,
            Kind::Thick => Ok(()),
        }
    }

    /// The error of new work that a thin pool had no room for, in words for that.
    pub(crate) async fn explain(&self, ctx: &OpCtx, error: Error) -> Error {
        match &self.kind {
            Kind::Thin(pool) => self.fill.explain(ctx, &self.lvm, pool, error).await,
            Kind::Thick => error,
        }
    }

    /// A size in whole extents.
    #[must_use]
    pub fn rounded(&self, size: ByteCount) -> ByteCount {
        ByteCount::new(size.bytes().next_multiple_of(self.extent.bytes())).unwrap_or(ByteCount::MAX)
    }

    /// A volume to be made in several steps.
    #[must_use]
    pub fn new_volume(&self, spec: &VolumeSpec, from: Option<Tag>) -> New {
        let home = match &self.kind {
            Kind::Thin(pool) => Home::Thin(pool.clone()),
            Kind::Thick => Home::Thick,
        };
        New { id: spec.volume.id, size: spec.size, home, tags: from.into_iter().collect() }
    }

    /// How many bytes a copy may move in a second.
    #[must_use]
    pub fn throttle(&self) -> Option<Throttle> {
        throttle(&self.config)
    }

    /// Who can reach a volume now.
    pub async fn attachments(&self, volume: VolumeId) -> Vec<AttachmentId> {
        self.exports().await.attachments(volume)
    }

    /// An error for a volume that somebody can reach.
    pub(crate) async fn check_detached(&self, volume: VolumeId) -> Result<(), Error> {
        match self.attachments(volume).await.len() {
            0 => Ok(()),
            many => Err(Error::InUse { name: LvName::volume(volume).to_string(), by: format!("{many} attachment(s)") }),
        }
    }

    /// The contract's volume.
    pub(crate) async fn volume(&self, volume: VolumeId, lv: &Lv) -> Volume {
        let reference = VolumeRef { id: volume, pool: self.config.pool.clone() };
        let attachments = self.attachments(volume).await;
        Volume { volume: reference, size: lv.size, allocated: allocated(lv), attachments }
    }
}

fn throttle(config: &Config) -> Option<Throttle> {
    config.copy_bytes_per_second().map(Throttle::new)
}

/// The tags of a whole volume of this size, made from that.
#[must_use]
pub fn volume_tags(size: ByteCount, from: Option<Tag>) -> Vec<Tag> {
    [Tag::ours(), Tag::size(size)].into_iter().chain(from).collect()
}

/// What a volume's attachments lead to.
#[must_use]
pub fn backing(lv: &Lv) -> Backing {
    Backing { device: lv.device.clone(), size: lv.size }
}

/// Bytes that a volume takes.
fn allocated(lv: &Lv) -> Option<ByteCount> {
    if !lv.thin {
        return Some(lv.extents);
    }
    #[expect(clippy::cast_precision_loss, reason = "LVM gives two digits of percent")]
    let bytes = lv.data_percent? / 100.0 * lv.extents.bytes() as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "percent are 0 to 100")]
    ByteCount::new((bytes as u64).min(lv.extents.bytes())).ok()
}
