//! Making, removing, growing and looking at volumes.

use std::fs::File;

use ashlar_common::{
    driver::{self, OpCtx, Outcome, Volume, VolumeSpec},
    ids::VolumeId,
    units::ByteCount,
};
use rustix::fs::{FileType, Mode, OFlags, Stat};

use crate::{
    error::{Doing, Error},
    fill,
    layout::{self, ATTACHMENTS, DATA},
    record::{Origin, Record},
    root::Dir,
    stage::{self, Placing, Stage},
    store::{FileStore, Inner},
};

/// A volume's beginning: it is there already as asked for, or it is being made.
pub(crate) enum Begun {
    There(Volume),
    New(Making),
}

/// A volume that is being made.
pub(crate) struct Making {
    stage: Stage,
    pub(crate) data: File,
}

impl FileStore {
    /// What is there of a volume.
    ///
    /// # Errors
    /// `Fatal` if something else has its name.
    pub async fn inspect(&self, ctx: &OpCtx, id: VolumeId) -> driver::Result<Option<Volume>> {
        self.work(ctx, move |inner, _| inner.look(id)).await
    }

    /// Every volume, ordered by id. What this store did not make is left out.
    ///
    /// # Errors
    /// `Unavailable` if the directory cannot be read.
    pub async fn list_volumes(&self, ctx: &OpCtx) -> driver::Result<Vec<Volume>> {
        self.work(ctx, |inner, ctx| {
            let mut found = Vec::new();
            for name in inner.volumes()?.names()? {
                ctx.check()?;
                let Some(id) = layout::parse_volume(&name) else { continue };
                match inner.look(id) {
                    Ok(volume) => found.extend(volume),
                    Err(error @ Error::Damaged { .. }) => tracing::warn!(%error, "not listed"),
                    Err(error) => return Err(error),
                }
            }
            found.sort_by_key(|volume| volume.volume.id);
            Ok(found)
        })
        .await
    }

    /// Makes an empty volume.
    ///
    /// # Errors
    /// `Conflict`, `OutOfSpace`, `Invalid` as in [`driver::Driver::create`].
    pub async fn create(&self, ctx: &OpCtx, spec: &VolumeSpec) -> driver::Result<Outcome<Volume>> {
        let spec = spec.clone();
        self.work(ctx, move |inner, ctx| match inner.begin(ctx, &spec, Origin::Empty)? {
            Begun::There(volume) => Ok(Outcome::Unchanged(volume)),
            Begun::New(making) => {
                inner.filler.size(&making.data, spec.size, &layout::volume(spec.volume.id))?;
                inner.finish(ctx, &spec, Origin::Empty, making)
            }
        })
        .await
    }

    /// Removes a volume. Snapshots and clones of it have their own bytes and stay.
    ///
    /// # Errors
    /// `Busy` if it is attached.
    pub async fn delete(&self, ctx: &OpCtx, id: VolumeId) -> driver::Result<Outcome<()>> {
        let name = layout::volume(id);
        let Some(locked) = self.lock_volume(ctx, id).await? else {
            self.work(ctx, move |inner, _| inner.tidy_after(id)).await?;
            return Ok(Outcome::Unchanged(()));
        };
        self.work(ctx, move |inner, ctx| {
            let _locked = locked;
            inner.refuse_attached(id)?;
            stage::remove(&inner.root, ctx, &inner.volumes()?, &name)?;
            stage::settle(&inner.root, &name, inner.tidy_after(id))?;
            Ok(Outcome::Changed(()))
        })
        .await
    }

    /// Grows a volume, attached or not: a client that holds the file sees the new size when it asks.
    ///
    /// # Errors
    /// `Invalid` for a smaller size, `OutOfSpace`.
    pub async fn extend(&self, ctx: &OpCtx, id: VolumeId, size: ByteCount) -> driver::Result<Outcome<Volume>> {
        let Some(locked) = self.lock_volume(ctx, id).await? else { return Err(Error::NoVolume(id).into()) };
        self.work(ctx, move |inner, _| {
            let volume = inner.look(id)?.ok_or(Error::NoVolume(id))?;
            if size < volume.size {
                return Err(Error::TooSmall { asked: size, needed: volume.size });
            }
            if size == volume.size {
                return Ok(Outcome::Unchanged(volume));
            }
            let data = writable(&locked.dir)?;
            let name = locked.dir.path_of(DATA);
            inner.filler.grow(&data, volume.size, size, &name)?;
            stage::settle(&locked.dir, DATA, data.sync_all().doing("write to disk", &name))?;
            Ok(Outcome::Changed(inner.look(id)?.ok_or(Error::NoVolume(id))?))
        })
        .await
    }
}

impl Inner {
    /// What is there of a volume.
    pub(crate) fn look(&self, id: VolumeId) -> Result<Option<Volume>, Error> {
        let name = layout::volume(id);
        let volumes = self.volumes()?;
        let Some(dir) = volumes.dir(&name)? else { return Ok(None) };
        let Some(stat) = data_of(&volumes, &name, &dir)? else { return Ok(None) };
        Ok(Some(Volume {
            volume: self.volume_ref(id),
            size: size_of(&stat),
            allocated: u64::try_from(stat.st_blocks).ok().and_then(|blocks| ByteCount::new(blocks * 512).ok()),
            attachments: self.holds(id)?.into_iter().map(|hold| hold.id).collect(),
        }))
    }

    /// Begins a volume, unless it is there already and made the same way.
    pub(crate) fn begin(&self, ctx: &OpCtx, spec: &VolumeSpec, origin: Origin) -> Result<Begun, Error> {
        let id = spec.volume.id;
        if spec.size == ByteCount::ZERO {
            return Err(Error::Empty(id));
        }
        if let Some(volume) = self.made_alike(spec, origin)? {
            return Ok(Begun::There(volume));
        }
        let name = layout::volume(id);
        stage::sweep(&self.root, Some(&name))?;
        let stage = Stage::begin(&self.root, ctx, &name, Record::Volume(origin))?;
        let data = stage.data()?;
        Ok(Begun::New(Making { stage, data }))
    }

    /// Puts a finished volume in its place.
    pub(crate) fn finish(
        &self,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        origin: Origin,
        making: Making,
    ) -> Result<Outcome<Volume>, Error> {
        ctx.check()?;
        let id = spec.volume.id;
        let (name, volumes) = (layout::volume(id), self.volumes()?);
        match making.stage.place(&making.data, &volumes, &name)? {
            Placing::Placed => Ok(Outcome::Changed(self.look(id)?.ok_or(Error::NoVolume(id))?)),
            Placing::Occupied => match self.made_alike(spec, origin)? {
                Some(volume) => Ok(Outcome::Unchanged(volume)),
                None => Err(volumes.damaged(&name, "it comes and goes")),
            },
        }
    }

    /// The volume, if it is there already as asked for.
    pub(crate) fn made_alike(&self, spec: &VolumeSpec, origin: Origin) -> Result<Option<Volume>, Error> {
        look_again(|| self.look_alike(spec, origin))
    }

    fn look_alike(&self, spec: &VolumeSpec, origin: Origin) -> Result<Option<Volume>, Error> {
        let id = spec.volume.id;
        let Some(volume) = self.look(id)? else { return Ok(None) };
        let name = layout::volume(id);
        let Some(dir) = self.volumes()?.dir(&name)? else { return Ok(None) };
        let record = Record::read(&dir)?;
        let differs = if volume.size != spec.size {
            format!("has {} bytes, not {}", volume.size.bytes(), spec.size.bytes())
        } else if record != Record::Volume(origin) {
            "was made from something else".to_owned()
        } else {
            return Ok(Some(volume));
        };
        Err(Error::Conflict { name, differs })
    }

    /// Removes what operations that died left of a volume that is gone.
    fn tidy_after(&self, id: VolumeId) -> Result<(), Error> {
        stage::sweep(&self.root, Some(&layout::volume(id)))?;
        self.root.known_dir(ATTACHMENTS)?.remove_empty(&id.to_string()).map(drop)
    }
}

/// Looks at an object whose lock is not held, a second time if it seems damaged: between the looks at two of its parts
/// it may have been removed.
pub(crate) fn look_again<T>(look: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
    match look() {
        Err(Error::Damaged { .. }) => look(),
        seen => seen,
    }
}

/// The state of an object's bytes; `None` if the object left meanwhile.
pub(crate) fn data_of(parent: &Dir, name: &str, dir: &Dir) -> Result<Option<Stat>, Error> {
    match dir.stat(DATA)? {
        Some(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => Ok(Some(stat)),
        Some(_) => Err(dir.damaged(DATA, "it should be a regular file")),
        None if parent.stat(name)?.is_none() => Ok(None),
        None => Err(dir.damaged(DATA, "it is missing")),
    }
}

/// A file's size.
pub(crate) fn size_of(stat: &Stat) -> ByteCount {
    u64::try_from(stat.st_size).ok().and_then(|size| ByteCount::new(size).ok()).unwrap_or(ByteCount::ZERO)
}

/// The bytes of a locked volume, for reading.
pub(crate) fn readable(dir: &Dir) -> Result<(File, ByteCount), Error> {
    let data = dir.known_file(DATA, OFlags::RDONLY)?;
    let size = fill::length(&data, &dir.path_of(DATA))?;
    Ok((data, size))
}

/// The bytes of a locked volume, for resizing.
fn writable(dir: &Dir) -> Result<File, Error> {
    match dir.known_file(DATA, OFlags::RDWR) {
        // Attached for reading only: its owner may still open it, by lifting the mode for a moment.
        Err(Error::Io { source: rustix::io::Errno::ACCESS, .. }) => {
            let data = dir.known_file(DATA, OFlags::RDONLY)?;
            let set = |mode| rustix::fs::fchmod(&data, mode).doing("set the mode of", &dir.path_of(DATA));
            set(Mode::RUSR | Mode::WUSR)?;
            let opened = dir.known_file(DATA, OFlags::RDWR);
            set(Mode::RUSR)?;
            opened
        }
        other => other,
    }
}
