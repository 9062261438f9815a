//! Snapshots, clones, and going back.

use std::fs::File;

use ashlar_common::{
    driver::{self, OpCtx, Outcome, Snapshot, SnapshotRef, Volume, VolumeSpec},
    ids::{SnapshotId, VolumeId},
    units::ByteCount,
};

use crate::{
    error::Error,
    layout::{self, SNAPSHOTS},
    lock::Locked,
    record::{Origin, Record},
    stage::{self, Placing, Stage},
    store::{FileStore, Inner},
    volumes::{Begun, data_of, look_again, readable, size_of},
};

impl FileStore {
    /// What is there of a snapshot.
    ///
    /// # Errors
    /// `Fatal` if something else has its name.
    pub async fn inspect_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> driver::Result<Option<Snapshot>> {
        let (id, volume) = (snapshot.id, snapshot.volume.id);
        let found = self.work(ctx, move |inner, _| inner.look_snapshot(id)).await?;
        Ok(found.filter(|found| found.snapshot.volume.id == volume))
    }

    /// Every snapshot, ordered by id. What this store did not make is left out.
    ///
    /// # Errors
    /// `Unavailable` if the directory cannot be read.
    pub async fn list_snapshots(&self, ctx: &OpCtx) -> driver::Result<Vec<Snapshot>> {
        self.work(ctx, |inner, ctx| {
            let mut found = Vec::new();
            for name in inner.snapshots()?.names()? {
                ctx.check()?;
                let Some(id) = layout::parse_snapshot(&name) else { continue };
                match inner.look_snapshot(id) {
                    Ok(snapshot) => found.extend(snapshot),
                    Err(error @ Error::Damaged { .. }) => tracing::warn!(%error, "not listed"),
                    Err(error) => return Err(error),
                }
            }
            found.sort_by_key(|snapshot| snapshot.snapshot.id);
            Ok(found)
        })
        .await
    }

    /// Freezes a volume's bytes.
    ///
    /// # Errors
    /// `NotFound` without the volume; `Busy` if it is attached and files cannot share blocks, since a client could
    /// write while its bytes are copied.
    pub async fn create_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> driver::Result<Outcome<Snapshot>> {
        let (id, volume) = (snapshot.id, snapshot.volume.id);
        if let Some(found) = self.work(ctx, move |inner, _| inner.taken_alike(id, volume)).await? {
            return Ok(Outcome::Unchanged(found));
        }
        let Some(source) = self.lock_volume(ctx, volume).await? else { return Err(Error::NoVolume(volume).into()) };
        self.work(ctx, move |inner, ctx| inner.take_snapshot(ctx, id, volume, &source)).await
    }

    /// Removes a snapshot. Nothing depends on it.
    ///
    /// # Errors
    /// `Conflict` if it is of another volume than said.
    pub async fn delete_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> driver::Result<Outcome<()>> {
        let (id, volume) = (snapshot.id, snapshot.volume.id);
        let name = layout::snapshot(id);
        let Some(locked) = self.lock(ctx, SNAPSHOTS, name.clone()).await? else {
            self.work(ctx, move |inner, _| stage::sweep(&inner.root, Some(&name))).await?;
            return Ok(Outcome::Unchanged(()));
        };
        self.work(ctx, move |inner, ctx| {
            if Record::read(&locked.dir)? != Record::SnapshotOf(volume) {
                return Err(of_another_volume(id));
            }
            stage::remove(&inner.root, ctx, &inner.snapshots()?, &name)?;
            stage::settle(&inner.root, &name, stage::sweep(&inner.root, Some(&name)))?;
            Ok(Outcome::Changed(()))
        })
        .await
    }

    /// Makes a volume that holds a snapshot's bytes.
    ///
    /// # Errors
    /// `NotFound` without the snapshot, `Invalid` for a smaller volume, `Conflict`, `OutOfSpace`.
    pub async fn create_from_snapshot(
        &self,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        source: &SnapshotRef,
    ) -> driver::Result<Outcome<Volume>> {
        let (spec, id, of) = (spec.clone(), source.id, source.volume.id);
        self.work(ctx, move |inner, ctx| {
            let origin = Origin::Snapshot(id);
            if let Some(volume) = inner.made_alike(&spec, origin)? {
                return Ok(Outcome::Unchanged(volume));
            }
            let bytes = inner.frozen(id, of)?;
            inner.fill_from(ctx, &spec, origin, bytes)
        })
        .await
    }

    /// Makes a volume that holds another's bytes.
    ///
    /// # Errors
    /// `NotFound` without the source, `Busy` as in [`FileStore::create_snapshot`], `Invalid` for a smaller volume,
    /// `Conflict`, `OutOfSpace`.
    pub async fn clone_volume(
        &self,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        source: VolumeId,
    ) -> driver::Result<Outcome<Volume>> {
        let origin = Origin::Volume(source);
        let wanted = spec.clone();
        if let Some(volume) = self.work(ctx, move |inner, _| inner.made_alike(&wanted, origin)).await? {
            return Ok(Outcome::Unchanged(volume));
        }
        let Some(locked) = self.lock_volume(ctx, source).await? else { return Err(Error::NoVolume(source).into()) };
        let spec = spec.clone();
        self.work(ctx, move |inner, ctx| {
            inner.refuse_copy(source)?;
            inner.fill_from(ctx, &spec, origin, readable(&locked.dir)?)
        })
        .await
    }

    /// Puts a volume back to what a snapshot of it holds. Its size stays.
    ///
    /// # Errors
    /// `NotFound` without one of them, `Busy` if the volume is attached, `OutOfSpace`.
    pub async fn revert(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> driver::Result<Outcome<Volume>> {
        let (id, volume) = (snapshot.id, snapshot.volume.id);
        let Some(locked) = self.lock_volume(ctx, volume).await? else { return Err(Error::NoVolume(volume).into()) };
        self.work(ctx, move |inner, ctx| {
            // Attachments are links to the file that is about to be replaced.
            inner.refuse_attached(volume)?;
            let (frozen, _) = inner.frozen(id, volume)?;
            let (_, size) = readable(&locked.dir)?;
            let name = layout::volume(volume);
            stage::sweep(&inner.root, Some(&name))?;
            let stage = Stage::begin(&inner.root, ctx, &name, Record::Volume(Origin::Snapshot(id)))?;
            let data = stage.data()?;
            inner.filler.copy(ctx, &frozen, &data, size, &name)?;
            ctx.check()?;
            stage.replace_data(&data, &locked.dir)?;
            Ok(Outcome::Changed(inner.look(volume)?.ok_or(Error::NoVolume(volume))?))
        })
        .await
    }
}

impl Inner {
    /// What is there of a snapshot.
    fn look_snapshot(&self, id: SnapshotId) -> Result<Option<Snapshot>, Error> {
        let (name, snapshots) = (layout::snapshot(id), self.snapshots()?);
        let Some(dir) = snapshots.dir(&name)? else { return Ok(None) };
        let Some(stat) = data_of(&snapshots, &name, &dir)? else { return Ok(None) };
        match Record::read(&dir) {
            Ok(Record::SnapshotOf(volume)) => Ok(Some(Snapshot {
                snapshot: SnapshotRef { id, volume: self.volume_ref(volume) },
                size: size_of(&stat),
            })),
            Ok(Record::Volume(_)) => Err(snapshots.damaged(&name, "its record says that it is a volume")),
            // It may have left between the two looks.
            Err(Error::Damaged { .. }) if snapshots.stat(&name)?.is_none() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The snapshot, if it is there already as asked for.
    fn taken_alike(&self, id: SnapshotId, volume: VolumeId) -> Result<Option<Snapshot>, Error> {
        match self.look_snapshot(id)? {
            Some(found) if found.snapshot.volume.id != volume => Err(of_another_volume(id)),
            found => Ok(found),
        }
    }

    fn take_snapshot(
        &self,
        ctx: &OpCtx,
        id: SnapshotId,
        volume: VolumeId,
        source: &Locked,
    ) -> Result<Outcome<Snapshot>, Error> {
        self.refuse_copy(volume)?;
        let (name, snapshots) = (layout::snapshot(id), self.snapshots()?);
        stage::sweep(&self.root, Some(&name))?;
        let stage = Stage::begin(&self.root, ctx, &name, Record::SnapshotOf(volume))?;
        let data = stage.data()?;
        let (bytes, size) = readable(&source.dir)?;
        self.filler.copy(ctx, &bytes, &data, size, &name)?;
        ctx.check()?;
        let placing = stage.place(&data, &snapshots, &name)?;
        let snapshot = self.taken_alike(id, volume)?.ok_or(Error::NoSnapshot(id))?;
        Ok(match placing {
            Placing::Placed => Outcome::Changed(snapshot),
            Placing::Occupied => Outcome::Unchanged(snapshot),
        })
    }

    /// Makes a volume with these bytes, which are so many.
    fn fill_from(
        &self,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        origin: Origin,
        (bytes, needed): (File, ByteCount),
    ) -> Result<Outcome<Volume>, Error> {
        if spec.size < needed {
            return Err(Error::TooSmall { asked: spec.size, needed });
        }
        match self.begin(ctx, spec, origin)? {
            Begun::There(volume) => Ok(Outcome::Unchanged(volume)),
            Begun::New(making) => {
                self.filler.copy(ctx, &bytes, &making.data, spec.size, &layout::volume(spec.volume.id))?;
                self.finish(ctx, spec, origin, making)
            }
        }
    }

    /// A snapshot's bytes, opened: they can be read to their end though the snapshot is removed meanwhile.
    fn frozen(&self, id: SnapshotId, volume: VolumeId) -> Result<(File, ByteCount), Error> {
        look_again(|| {
            self.taken_alike(id, volume)?.ok_or(Error::NoSnapshot(id))?;
            let dir = self.snapshots()?.dir(&layout::snapshot(id))?.ok_or(Error::NoSnapshot(id))?;
            readable(&dir)
        })
    }

    /// Bytes of one instant cannot be had of a volume that a client may write to, unless blocks are shared.
    pub(crate) fn refuse_copy(&self, volume: VolumeId) -> Result<(), Error> {
        if self.filler.reflink || self.holds(volume)?.is_empty() {
            return Ok(());
        }
        Err(Error::AttachedCopy(volume))
    }
}

fn of_another_volume(id: SnapshotId) -> Error {
    Error::Conflict { name: layout::snapshot(id), differs: "is of another volume".to_owned() }
}
