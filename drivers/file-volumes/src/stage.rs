//! Things appear whole or not at all: they are made in `tmp/`, made durable, and renamed to their place.

use std::fs::File;

use ashlar_common::driver::OpCtx;
use rustix::{fs::OFlags, io::Errno};

use crate::{
    error::{Doing, Error},
    layout::{self, DATA, RECORD, TMP},
    lock::{self, Attempt},
    record::Record,
    root::Dir,
};

/// A sweep of another process can take a new directory away before it is locked. More than once in a row is not
/// chance.
const ATTEMPTS: u32 = 5;

/// An object that is being made. Dropped before [`Stage::place`], it is removed.
#[derive(Debug)]
pub(crate) struct Stage {
    tmp: Dir,
    name: String,
    dir: Dir,
    /// Its lock tells sweeps that the maker lives.
    record: File,
    placed: bool,
}

/// What placing came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placing {
    /// The object is there, and durable.
    Placed,
    /// Another object of that name was there already, and is as it was.
    Occupied,
}

impl Stage {
    /// Begins to make `object`, which will be what `record` says.
    pub(crate) fn begin(root: &Dir, ctx: &OpCtx, object: &str, record: Record) -> Result<Self, Error> {
        for _ in 0..ATTEMPTS {
            if let Some(stage) = Self::try_begin(root, ctx, object, record)? {
                return Ok(stage);
            }
        }
        Err(Errno::AGAIN).doing("keep a place in", TMP)
    }

    fn try_begin(root: &Dir, ctx: &OpCtx, object: &str, record: Record) -> Result<Option<Self>, Error> {
        let tmp = root.known_dir(TMP)?;
        let name = layout::staged(object, ctx.op());
        tmp.make_dir(&name)?;
        let made = match tmp.dir(&name)? {
            Some(dir) => lock_new_record(&dir).map(|file| file.map(|file| (dir, file))),
            None => Ok(None),
        };
        let (dir, file) = match made {
            Ok(Some(made)) => made,
            Ok(None) => return Ok(None),
            Err(error) => {
                tidy(&tmp, &name);
                return Err(error);
            }
        };
        let stage = Self { tmp, name, dir, record: file, placed: false };
        record.write(&stage.record, &stage.dir.path_of(RECORD))?;
        Ok(Some(stage))
    }

    /// Makes the file for the object's bytes, of no length yet.
    pub(crate) fn data(&self) -> Result<File, Error> {
        self.dir.create_file(DATA)
    }

    /// Where the object is made.
    pub(crate) fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Puts the object in its place, durably.
    pub(crate) fn place(mut self, data: &File, parent: &Dir, name: &str) -> Result<Placing, Error> {
        data.sync_all().doing("write to disk", &self.dir.path_of(DATA))?;
        self.dir.sync()?;
        match self.tmp.move_dir(&self.name, parent, name) {
            Ok(()) => self.placed = true,
            Err(Errno::EXIST | Errno::NOTEMPTY) => return Ok(Placing::Occupied),
            Err(Errno::NOTDIR) => return Err(parent.damaged(name, "it should be a directory")),
            Err(errno) => return Err(errno).doing("place", &parent.path_of(name)),
        }
        // What durably is in its place has left the other: a file system that could lose that half of a move would have to
        // be mended after a power loss anyway.
        settle(parent, name, parent.sync())?;
        Ok(Placing::Placed)
    }

    /// Puts the new bytes in the place of those of `object`, which the caller holds the lock of. Durably.
    pub(crate) fn replace_data(self, data: &File, object: &Dir) -> Result<(), Error> {
        data.sync_all().doing("write to disk", &self.dir.path_of(DATA))?;
        self.dir.replace_file(DATA, object, DATA)?;
        settle(object, DATA, object.sync())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.placed {
            tidy(&self.tmp, &self.name);
        }
    }
}

fn lock_new_record(dir: &Dir) -> Result<Option<File>, Error> {
    let file = match dir.open(RECORD, OFlags::RDWR | OFlags::CREATE | OFlags::EXCL) {
        Ok(fd) => File::from(fd),
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(errno).doing("make", &dir.path_of(RECORD)),
    };
    let ours = lock::try_flock(&file, dir)? && dir.holds(RECORD, &file)?;
    Ok(ours.then_some(file))
}

/// Takes an object, whose lock the caller holds, out of its place for good.
pub(crate) fn remove(root: &Dir, ctx: &OpCtx, parent: &Dir, object: &str) -> Result<(), Error> {
    let tmp = root.known_dir(TMP)?;
    let name = layout::staged(object, ctx.op());
    parent.move_dir(object, &tmp, &name).doing("remove", &parent.path_of(object))?;
    settle(parent, object, parent.sync())?;
    tidy(&tmp, &name);
    Ok(())
}

/// Removes what dead processes left in `tmp/`: of one object, or of all.
pub(crate) fn sweep(root: &Dir, object: Option<&str>) -> Result<(), Error> {
    let tmp = root.known_dir(TMP)?;
    for name in tmp.names()? {
        let Some(of) = layout::parse_staged(&name) else { continue };
        if object.is_some_and(|object| object != of) {
            continue;
        }
        // A directory without a record belongs to nobody yet: it can go while it is empty, and its maker, if it
        // lives, makes another.
        if let Ok(true) = tmp.remove_empty(&name) {
            continue;
        }
        match lock::attempt(&tmp, &name) {
            // One that has contents but no record was half removed already: makers begin with the record.
            Ok(Attempt::Held(_) | Attempt::Unrecorded) => {
                tracing::info!(entry = name, "removing what an earlier operation left");
                tidy(&tmp, &name);
            }
            Ok(Attempt::Taken | Attempt::Absent) => {}
            Err(error) => tracing::warn!(entry = name, %error, "left in tmp: it is not what this store puts there"),
        }
    }
    Ok(())
}

/// What is left in `tmp/` costs room but harms nobody, and the next sweep tries again: not an error of the call.
fn tidy(tmp: &Dir, name: &str) {
    if let Err(error) = tmp.remove_tree(name).and_then(|()| tmp.sync()) {
        tracing::warn!(entry = name, %error, "left in tmp until the next sweep");
    }
}

/// After the change has taken place, an error no longer means that nothing happened.
pub(crate) fn settle(dir: &Dir, name: &str, result: Result<(), Error>) -> Result<(), Error> {
    result.map_err(|source| Error::Unsettled { name: dir.path_of(name), source: Box::new(source) })
}
