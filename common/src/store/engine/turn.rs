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
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use tokio::sync::oneshot;

use crate::store::error::{Error, Result};

/// The queue of processes.
#[derive(Clone, Debug)]
pub(in crate::store) struct Turns {
    gate: Arc<File>,
    turn: Arc<File>,
    line: Arc<Mutex<Line>>,
}

/// Who of this process stands in line. However long a turn of another takes, and however many give up meanwhile, one
/// thread waits.
#[derive(Debug, Default)]
struct Line {
    waits: bool,
    asks: Option<oneshot::Sender<io::Result<Turn>>>,
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
        Ok(Self { gate: beside("-gate")?, turn: beside("-turn")?, line: Arc::default() })
    }

    /// Waits for this process's turn. Only one of its transactions may ask at a time.
    pub(in crate::store) async fn wait(&self) -> Result<Turn> {
        let told = {
            let mut line = self.line();
            // Not beside the thread: to the system both are the same holder, and the one's end would be the other's.
            if !line.waits && self.take_now().map_err(failed)? {
                return Ok(Turn(Arc::clone(&self.turn)));
            }
            let (asks, told) = oneshot::channel();
            line.asks = Some(asks);
            if !line.waits {
                line.waits = true;
                let turns = self.clone();
                tokio::task::spawn_blocking(move || turns.stand_in_line());
            }
            told
        };
        told.await.map_err(|gone| failed(io::Error::other(gone)))?.map_err(failed)
    }

    /// Takes the turn if nobody else has it or waits for it.
    fn take_now(&self) -> io::Result<bool> {
        if !lock_now(&self.gate)? {
            return Ok(false);
        }
        let free = lock_now(&self.turn);
        unlock(&self.gate)?;
        free
    }

    /// Waits for the turn and gives it to who asks by then. If nobody does any more, it ends at once.
    fn stand_in_line(&self) {
        let come = || {
            lock(&self.gate)?;
            lock(&self.turn).inspect_err(|_| drop(unlock(&self.gate)))?;
            let taken = Turn(Arc::clone(&self.turn));
            unlock(&self.gate)?;
            Ok(taken)
        };
        let came = come();
        let mut line = self.line();
        line.waits = false;
        // A turn that nobody wants ends before the line is let go of.
        match line.asks.take() {
            Some(asks) => drop(asks.send(came)),
            None => drop(came),
        }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
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
