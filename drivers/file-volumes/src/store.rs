//! The store: opening it, and how its work is run.

use std::{
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ashlar_common::{
    driver::{self, OpCtx, VolumeRef},
    ids::{OpId, PoolName, VolumeId},
    stats::{Capacity, PoolStats, Provisioning},
    units::ByteCount,
};
use rustix::fs::StatVfs;
use tokio::sync::Semaphore;

use crate::{
    error::{Doing, Error},
    fill::Filler,
    layout::{self, SNAPSHOTS, VOLUMES},
    lock::{self, Attempt, Locked},
    probe,
    record::{Origin, Record},
    root::Dir,
    stage::{self, Stage},
};

/// Threads that one store keeps busy at most. Statistics run beside them, so that they never wait for copies.
const WORKERS: usize = 32;
/// First and longest pause between two tries for a lock.
const LOCK_PAUSE: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(100));

/// How a store is to work.
#[derive(Clone, Debug)]
pub struct Options {
    /// The pool that the store is shown as.
    pub pool: PoolName,
    /// Thin: room is taken as bytes are written, and copies share blocks where the file system can.
    /// Thick: all room is taken when a volume is made, and every copy is whole.
    pub provisioning: Provisioning,
    /// Part of the file system that is not given out, 0 to 100.
    pub reserved_percentage: u8,
    /// How many times its bytes a thin store may promise; at least 1.
    pub max_over_subscription_ratio: f64,
    /// How many attachments a volume may have at a time.
    pub max_attachments: NonZeroU32,
}

/// A directory that holds volumes. Cheap to clone; all clones are the one store.
///
/// Several processes may open the same directory.
#[derive(Clone, Debug)]
pub struct FileStore {
    pub(crate) inner: Arc<Inner>,
    workers: Arc<Semaphore>,
}

/// What the operations work with, on threads that may block.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) root: Dir,
    pub(crate) path: PathBuf,
    pub(crate) options: Options,
    pub(crate) filler: Filler,
}

impl FileStore {
    /// Opens the directory at `path`: makes what is missing in it, tries what its file system can, and removes what
    /// dead processes left half done. Blocks.
    ///
    /// # Errors
    /// [`Error`] naming what is missing and what to do about it.
    pub fn open(path: &Path, options: Options) -> Result<Self, Error> {
        let root = probe::open_root(path)?;
        stage::sweep(&root, None)?;
        let ctx = OpCtx::new(OpId::new(), Duration::from_secs(60), tokio_util::sync::CancellationToken::new());
        let trial = Stage::begin(&root, &ctx, "probe", Record::Volume(Origin::Empty))?;
        let reflink = probe::try_file_system(path, &trial, options.provisioning)?;
        drop(trial);
        let filler = Filler { provisioning: options.provisioning, reflink };
        let inner = Inner { root, path: path.to_owned(), options, filler };
        Ok(Self { inner: Arc::new(inner), workers: Arc::new(Semaphore::new(WORKERS)) })
    }

    /// The pool that this store is.
    #[must_use]
    pub fn pool(&self) -> &PoolName {
        &self.inner.options.pool
    }

    /// Whether snapshots and clones share blocks with their source. If not, they are copies of all its bytes, and
    /// cannot be made of an attached volume.
    #[must_use]
    pub fn shares_blocks(&self) -> bool {
        self.inner.filler.reflink
    }

    /// Room, from one `statvfs`. `allocated` is `Unknown`: other things may live on the file system, and telling them
    /// from volumes takes a walk.
    ///
    /// # Errors
    /// `Unavailable` if the file system does not answer.
    pub async fn stats(&self, ctx: &OpCtx) -> driver::Result<PoolStats> {
        let inner = Arc::clone(&self.inner);
        ctx.blocking(move |_| {
            let room = rustix::fs::fstatvfs(inner.root.fd()).doing("ask for the room in", ".")?;
            let bytes = |count: fn(&StatVfs) -> u64| {
                let bytes = count(&room).saturating_mul(room.f_frsize);
                Capacity::Known(ByteCount::new(bytes).unwrap_or(ByteCount::MAX))
            };
            Ok(PoolStats {
                name: inner.options.pool.clone(),
                total: bytes(|room| room.f_blocks),
                free: bytes(|room| room.f_bavail),
                allocated: Capacity::Unknown,
                reserved_percentage: inner.options.reserved_percentage,
                max_over_subscription_ratio: inner.options.max_over_subscription_ratio,
                provisioning: inner.options.provisioning,
                thin_metadata_free_percentage: None,
                filter_function: None,
                goodness_function: None,
            })
        })
        .await
    }

    /// Runs a step where it may block. Few run at a time.
    pub(crate) async fn work<T, F>(&self, ctx: &OpCtx, step: F) -> driver::Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Inner, &OpCtx) -> Result<T, Error> + Send + 'static,
    {
        let permit = ctx.bounded(Arc::clone(&self.workers).acquire_owned()).await?;
        let inner = Arc::clone(&self.inner);
        ctx.blocking(move |ctx| {
            let _permit = permit;
            ctx.check()?;
            Ok(step(&inner, ctx)?)
        })
        .await
    }

    /// Waits for the lock of a volume; `None` if there is no such volume.
    pub(crate) async fn lock_volume(&self, ctx: &OpCtx, id: VolumeId) -> driver::Result<Option<Locked>> {
        self.lock(ctx, VOLUMES, layout::volume(id)).await
    }

    /// Waits for the lock of an object without keeping a thread meanwhile.
    pub(crate) async fn lock(&self, ctx: &OpCtx, parent: &'static str, name: String) -> driver::Result<Option<Locked>> {
        let (mut pause, longest) = LOCK_PAUSE;
        loop {
            let wanted = name.clone();
            match self.work(ctx, move |inner, _| lock::attempt(&inner.root.known_dir(parent)?, &wanted)).await? {
                Attempt::Held(locked) => return Ok(Some(locked)),
                Attempt::Absent => return Ok(None),
                Attempt::Unrecorded => {
                    let name = format!("{parent}/{name}");
                    return Err(Error::Damaged { name, why: "its record is missing".to_owned() }.into());
                }
                Attempt::Taken => ctx.bounded(tokio::time::sleep(pause)).await?,
            }
            pause = (pause * 2).min(longest);
        }
    }
}

impl Inner {
    /// The directory of volumes.
    pub(crate) fn volumes(&self) -> Result<Dir, Error> {
        self.root.known_dir(VOLUMES)
    }

    /// The directory of snapshots.
    pub(crate) fn snapshots(&self) -> Result<Dir, Error> {
        self.root.known_dir(SNAPSHOTS)
    }

    /// A volume of this store.
    pub(crate) fn volume_ref(&self, id: VolumeId) -> VolumeRef {
        VolumeRef { id, pool: self.options.pool.clone() }
    }
}
