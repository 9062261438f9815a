//! One operation at a time on one object, across tasks and processes.
//!
//! The lock is `flock` on the object's record: it ends with its holder, even a killed one, and two openings of the
//! file keep each other out within one process too. The bytes themselves carry no lock, since clients may put their
//! own on them. Nobody waits inside the kernel; callers try again while their context lasts.

use std::fs::File;

use rustix::{
    fs::{FlockOperation, OFlags},
    io::Errno,
};

use crate::{
    error::{Doing, Error},
    layout::RECORD,
    root::Dir,
};

/// An object that its holder alone may change, until dropped.
#[derive(Debug)]
pub(crate) struct Locked {
    /// The object's directory.
    pub(crate) dir: Dir,
    /// Holds the lock.
    _record: File,
}

/// What trying to lock an object came to.
#[derive(Debug)]
pub(crate) enum Attempt {
    /// The lock is held.
    Held(Locked),
    /// Another operation has it.
    Taken,
    /// There is no such object.
    Absent,
    /// There is a directory of that name, without a record.
    Unrecorded,
}

/// Tries to lock the object `name` in `parent`.
pub(crate) fn attempt(parent: &Dir, name: &str) -> Result<Attempt, Error> {
    let Some(dir) = parent.dir(name)? else { return Ok(Attempt::Absent) };
    // Opened for writing because NFS takes an exclusive lock on nothing less.
    let Some(record) = dir.file(RECORD, OFlags::RDWR)? else {
        return Ok(if parent.stat(name)?.is_none() { Attempt::Absent } else { Attempt::Unrecorded });
    };
    if !try_flock(&record, &dir)? {
        return Ok(Attempt::Taken);
    }
    // Between opening and locking the object may have left, and another come in its place.
    let still_there = match parent.dir(name)? {
        Some(now) => now.holds(RECORD, &record)?,
        None => return Ok(Attempt::Absent),
    };
    if still_there { Ok(Attempt::Held(Locked { dir, _record: record })) } else { Ok(Attempt::Taken) }
}

/// Locks a record that was just made; false if somebody was quicker.
pub(crate) fn try_flock(record: &File, dir: &Dir) -> Result<bool, Error> {
    match rustix::fs::flock(record, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(errno) => Err(errno).doing("lock", &dir.path_of(RECORD)),
    }
}
