//! Whose turn it is to write, between the processes that share a file.
//!
//! SQLite has one write lock for all processes, and waits for it by sleeping and trying again, up to a tenth of a
//! second at a time. Here they queue on a lock file instead, where the system wakes the next the moment the one before
//! ends; SQLite's own lock is then free. Before it stands a gate with a lock of its own, which whoever waits holds: so a
//! process that has just written cannot take the next turn before one that was waiting.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use crate::store::error::{Error, Result};

/// The queue of processes.
#[derive(Clone, Debug)]
pub(in crate::store) struct Turns {
    gate: Arc<File>,
    turn: Arc<File>,
}

/// This process's turn; ends when dropped.
#[derive(Debug)]
pub(in crate::store) struct Turn(Arc<File>);

impl Drop for Turn {
    fn drop(&mut self) {
        // Cannot fail for a file that is open; if it did, the end of the process would let go of it.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

impl Turns {
    /// The queue at the store's file, in files beside it.
    pub(in crate::store) fn open(store: &Path) -> io::Result<Self> {
        let beside = |suffix: &str| {
            let mut name = store.as_os_str().to_owned();
            name.push(suffix);
            OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(name).map(Arc::new)
        };
        Ok(Self { gate: beside("-gate")?, turn: beside("-turn")? })
    }

    /// Waits for this process's turn. Only one of its transactions may ask at a time.
    pub(in crate::store) async fn wait(&self) -> Result<Turn> {
        if lock_now(&self.gate).map_err(failed)? {
            let free = lock_now(&self.turn).map_err(failed)?;
            if free {
                unlock(&self.gate).map_err(failed)?;
                return Ok(Turn(Arc::clone(&self.turn)));
            }
            unlock(&self.gate).map_err(failed)?;
        }
        let Self { gate, turn } = self.clone();
        // If the caller goes away meanwhile, the turn still comes, and ends at once.
        let waiting = tokio::task::spawn_blocking(move || {
            lock(&gate)?;
            lock(&turn)?;
            let taken = Turn(turn);
            unlock(&gate)?;
            Ok(taken)
        });
        waiting.await.map_err(|gone| failed(io::Error::other(gone)))?.map_err(failed)
    }
}

fn failed(error: io::Error) -> Error {
    Error::Away(Arc::new(error))
}

/// Takes a lock if it is free.
fn lock_now(file: &File) -> io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn lock(file: &File) -> io::Result<()> {
    loop {
        match flock(file, FlockOperation::LockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn unlock(file: &File) -> io::Result<()> {
    Ok(flock(file, FlockOperation::Unlock)?)
}
