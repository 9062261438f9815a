//! Attachments: hard links to a volume's bytes, one each. Removing the link makes its path open nothing.

use std::path::PathBuf;

use ashlar_common::{
    driver::{self, AccessMode, AttachmentSpec, Detach, Kind, OpCtx, Outcome},
    ids::{AttachmentId, VolumeId},
};
use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};

use crate::{
    error::{Doing, Error},
    layout::{self, ATTACHMENTS, DATA},
    root::Dir,
    stage,
    store::{FileStore, Inner},
};

/// Where an attachment's file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Relative to the store's directory.
    pub name: String,
    /// In full, on the machine that has the store open.
    pub path: PathBuf,
}

/// An attachment as it is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) id: AttachmentId,
    mode: AccessMode,
}

impl FileStore {
    /// Makes a path for one client.
    ///
    /// Read-only is kept by the file's mode, so that all attachments of a volume are read-only or none: that stops
    /// every process but one with root's power to override modes, and one that opened the file before.
    ///
    /// # Errors
    /// `NotFound` without the volume, `Busy` if it has as many attachments as it may or one of the other mode,
    /// `Conflict` if this attachment is there with the other mode.
    pub async fn attach(
        &self,
        ctx: &OpCtx,
        volume: VolumeId,
        attachment: &AttachmentSpec,
    ) -> driver::Result<Outcome<Export>> {
        let wanted = Hold { id: attachment.id, mode: attachment.mode };
        let Some(locked) = self.lock_volume(ctx, volume).await? else { return Err(Error::NoVolume(volume).into()) };
        self.work(ctx, move |inner, _| inner.attach(volume, wanted, &locked.dir)).await
    }

    /// Removes paths.
    ///
    /// # Errors
    /// `Unavailable` if the file system does not let it.
    pub async fn detach(&self, ctx: &OpCtx, volume: VolumeId, which: Detach) -> driver::Result<Outcome<()>> {
        // Without its volume, or with a damaged one, an attachment should not be there; if it is, it still goes.
        let locked = match self.lock_volume(ctx, volume).await {
            Err(error) if error.kind() == Kind::Fatal => {
                tracing::warn!(%volume, %error, "detached without a lock");
                None
            }
            other => other?,
        };
        self.work(ctx, move |inner, _| {
            let changed = inner.detach(volume, which)?;
            if let Some(locked) = &locked {
                inner.settle_mode(volume, &locked.dir)?;
            }
            Ok(if changed { Outcome::Changed(()) } else { Outcome::Unchanged(()) })
        })
        .await
    }
}

impl Inner {
    /// The attachments of a volume, ordered by id.
    pub(crate) fn holds(&self, volume: VolumeId) -> Result<Vec<Hold>, Error> {
        let Some(dir) = self.attachments()?.dir(&volume.to_string())? else { return Ok(Vec::new()) };
        let names = dir.names()?;
        let mut holds: Vec<_> = names.iter().filter_map(|name| layout::parse_attachment(name)).collect();
        holds.sort_by_key(|(id, _)| *id);
        Ok(holds.into_iter().map(|(id, mode)| Hold { id, mode }).collect())
    }

    /// An error if the volume is attached.
    pub(crate) fn refuse_attached(&self, volume: VolumeId) -> Result<(), Error> {
        match self.holds(volume)?.first() {
            Some(hold) => Err(Error::Attached { volume, attachment: hold.id }),
            None => Ok(()),
        }
    }

    fn attach(&self, volume: VolumeId, wanted: Hold, object: &Dir) -> Result<Outcome<Export>, Error> {
        let holds = self.holds(volume)?;
        let export = self.export(volume, wanted);
        if let Some(found) = holds.iter().find(|hold| hold.id == wanted.id) {
            if found.mode != wanted.mode {
                let differs = "has the other access mode".to_owned();
                return Err(Error::Conflict { name: format!("attachment {}", wanted.id), differs });
            }
            self.settle_mode(volume, object)?;
            return Ok(Outcome::Unchanged(export));
        }
        let max = self.options.max_attachments;
        if holds.len() >= usize::try_from(max.get()).unwrap_or(usize::MAX) {
            return Err(match holds.first() {
                Some(hold) if max.get() == 1 => Error::Attached { volume, attachment: hold.id },
                _ => Error::TooManyAttachments { volume, max: max.get() },
            });
        }
        // A file has one mode for all of its links.
        if let Some(hold) = holds.iter().find(|hold| hold.mode != wanted.mode) {
            return Err(Error::MixedModes { volume, attachment: hold.id });
        }
        let exports = self.attachments()?;
        if exports.make_dir(&volume.to_string())? {
            exports.sync()?;
        }
        let dir = exports.known_dir(&volume.to_string())?;
        let name = layout::attachment(wanted.id, wanted.mode);
        let linked = self.link(object, &dir, &name, &export).and_then(|()| self.settle_mode(volume, object));
        if let Err(error) = linked {
            dir.unlink(&name)?;
            exports.remove_empty(&volume.to_string())?;
            return Err(error);
        }
        stage::settle(&dir, &name, dir.sync())?;
        Ok(Outcome::Changed(export))
    }

    /// Links the volume's file, and makes sure that it was that file, and that clients find it.
    fn link(&self, object: &Dir, dir: &Dir, name: &str, export: &Export) -> Result<(), Error> {
        let data = object.known_file(DATA, OFlags::RDONLY)?;
        match object.link(DATA, dir, name) {
            Ok(()) => {}
            Err(errno @ Errno::MLINK) => return Err(errno).doing("add one more link to", &object.path_of(DATA)),
            Err(errno) => return Err(errno).doing("link", &dir.path_of(name)),
        }
        if !dir.holds(name, &data)? {
            return Err(object.damaged(DATA, "it was exchanged while it was attached"));
        }
        let moved = || Error::Moved { path: export.path.clone() };
        let (seen, meant) = (rustix::fs::lstat(&export.path).map_err(|_| moved())?, rustix::fs::fstat(&data));
        let meant = meant.doing("look at", &object.path_of(DATA))?;
        if (seen.st_dev, seen.st_ino) == (meant.st_dev, meant.st_ino) { Ok(()) } else { Err(moved()) }
    }

    fn detach(&self, volume: VolumeId, which: Detach) -> Result<bool, Error> {
        let exports = self.attachments()?;
        let Some(dir) = exports.dir(&volume.to_string())? else { return Ok(false) };
        let names = match which {
            Detach::All => dir.names()?,
            Detach::One(id) => {
                [AccessMode::ReadWrite, AccessMode::ReadOnly].map(|mode| layout::attachment(id, mode)).to_vec()
            }
        };
        let mut changed = false;
        for name in names {
            changed |= dir.unlink(&name)?;
        }
        if changed {
            stage::settle(&exports, &volume.to_string(), dir.sync())?;
        }
        exports.remove_empty(&volume.to_string())?;
        Ok(changed)
    }

    /// Takes the right to write from the file while all that hold it may only read.
    fn settle_mode(&self, volume: VolumeId, object: &Dir) -> Result<(), Error> {
        let holds = self.holds(volume)?;
        let only_read = !holds.is_empty() && holds.iter().all(|hold| hold.mode == AccessMode::ReadOnly);
        let mode = if only_read { Mode::RUSR } else { Mode::RUSR | Mode::WUSR };
        let data = object.known_file(DATA, OFlags::RDONLY)?;
        let name = object.path_of(DATA);
        let now = rustix::fs::fstat(&data).doing("look at", &name)?;
        if Mode::from_raw_mode(now.st_mode) != mode {
            rustix::fs::fchmod(&data, mode).doing("set the mode of", &name)?;
        }
        Ok(())
    }

    fn export(&self, volume: VolumeId, hold: Hold) -> Export {
        let name = format!("{ATTACHMENTS}/{volume}/{}", layout::attachment(hold.id, hold.mode));
        Export { path: self.path.join(&name), name }
    }

    fn attachments(&self) -> Result<Dir, Error> {
        self.root.known_dir(ATTACHMENTS)
    }
}
