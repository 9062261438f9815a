//! Whose turn it is to write.
//!
//! SQLite has one write lock for all processes, and waits for it by sleeping and trying again, up to a tenth of a
//! second at a time. Here writers queue instead: within a process in order of arrival, between processes on a lock file,
//! where the system wakes the next the moment the one before ends. SQLite's own lock is then free.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::{Error, Result};

/// No transaction takes a hundredth of this; who waits longer waits for a process that hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// The queue of writers.
#[derive(Clone, Debug)]
pub(super) struct Turns {
    here: Arc<Semaphore>,
    between: Arc<File>,
}

/// One writer's turn; ends when dropped.
#[derive(Debug)]
pub(super) struct Turn {
    between: Arc<File>,
    /// Released after the lock: the next of this process locks the same open file.
    _here: OwnedSemaphorePermit,
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Cannot fail for a file that is open; if it did, the end of the process would let go of it.
        let _ = flock(&self.between, FlockOperation::Unlock);
    }
}

impl Turns {
    /// The queue at the store's file, in a file beside it.
    pub(super) fn open(store: &Path) -> io::Result<Self> {
        let mut name = store.as_os_str().to_owned();
        name.push("-turn");
        let between = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(name)?;
        Ok(Self { here: Arc::new(Semaphore::new(1)), between: Arc::new(between) })
    }

    /// Waits for the caller's turn.
    pub(super) async fn wait(&self) -> Result<Turn> {
        tokio::time::timeout(PATIENCE, self.take()).await.unwrap_or(Err(Error::Busy))
    }

    async fn take(&self) -> Result<Turn> {
        let here = Arc::clone(&self.here).acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
        let between = Arc::clone(&self.between);
        match flock(&between, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Turn { between, _here: here }),
            Err(rustix::io::Errno::WOULDBLOCK) => {}
            Err(error) => return Err(sqlx::Error::Io(error.into()).into()),
        }
        // If the caller goes away meanwhile, the turn still comes, and ends at once: the permit waits with it.
        let waiting = tokio::task::spawn_blocking(move || {
            loop {
                match flock(&between, FlockOperation::LockExclusive) {
                    Ok(()) => return Ok(Turn { between, _here: here }),
                    Err(rustix::io::Errno::INTR) => {}
                    Err(error) => return Err(io::Error::from(error)),
                }
            }
        });
        let turn = waiting.await.map_err(io::Error::other).map_err(sqlx::Error::Io)?;
        Ok(turn.map_err(sqlx::Error::Io)?)
    }
}
