//! Transactions that share a commit, and the connection that goes from one to the next.

use std::{sync::Arc, time::Duration};

use tokio::{sync::oneshot, time::Instant};

use super::{
    Connection,
    connection::Step,
    location::{Location, Role},
    turn::{Turn, Turns},
};
use crate::store::error::{Error, Result};

/// Transactions that share a commit at most, and for how long the first of them waits for others at most: other
/// processes want their turn too.
const SHARED: (usize, Duration) = (128, Duration::from_millis(25));
/// Between two tries while a stray user of the file keeps it.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// What one transaction hands to the next.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) connection: Option<Connection>,
    pub(super) open: Option<Batch>,
    /// What the one before left to be undone, where the engine could not do it at once.
    pub(super) undo: Option<Step>,
}

/// Transactions that share a commit.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) turn: Option<Turn>,
    pub(super) ended: Vec<oneshot::Sender<Result<()>>>,
    began: Instant,
}

impl Slot {
    /// Whether others should have their turn before more share the commit.
    pub(super) fn is_full(&self) -> bool {
        self.open.as_ref().is_some_and(|batch| batch.ended.len() >= SHARED.0 || batch.began.elapsed() >= SHARED.1)
    }

    /// Catches up on what a dropped transaction left to be undone.
    pub(super) async fn undo(&mut self) -> Result<()> {
        let Some(step) = self.undo.take() else { return Ok(()) };
        // Taken out, so that it is not used again if this future is dropped in between.
        let Some(mut connection) = self.connection.take() else { return Ok(()) };
        let undone = if connection.is_broken() { Err(closed()) } else { connection.step(step).await };
        if undone.is_ok() {
            self.connection = Some(connection);
        }
        if undone.is_err() || step == Step::Undo {
            // With the connection went all that was open on it: those who wait for the commit hear so.
            self.abandon();
        }
        Ok(())
    }

    fn abandon(&mut self) {
        for ended in self.open.take().into_iter().flat_map(|batch| batch.ended) {
            let lost = std::io::Error::other("the connection was lost before the commit");
            let _ = ended.send(Err(Error::Away(Arc::new(lost))));
        }
    }

    /// Begins a transaction of the engine, in this process's turn.
    pub(super) async fn begin(&mut self, location: &Location, turns: Option<&Turns>) -> Result<()> {
        let turn = match turns {
            Some(turns) => Some(turns.wait().await?),
            None => None,
        };
        let kept = self.connection.take().filter(|connection| !connection.is_broken());
        let begun = match kept {
            Some(connection) => match begin_on(connection).await {
                // Lost while it lay idle; a new one shows whether its server is back.
                Err(error) if error.ends_connection() => None,
                begun => Some(begun?),
            },
            None => None,
        };
        let connection = match begun {
            Some(connection) => connection,
            None => begin_on(location.connect(Role::Writer).await?).await?,
        };
        (self.connection, self.open) =
            (Some(connection), Some(Batch { turn, ended: Vec::new(), began: Instant::now() }));
        Ok(())
    }
}

/// In our turn, only a stray user of the file can keep SQLite busy; the caller's patience bounds the tries.
async fn begin_on(mut connection: Connection) -> Result<Connection> {
    loop {
        match connection.step(Step::BeginWrite).await {
            Ok(()) => return Ok(connection),
            Err(Error::Busy) if matches!(connection, Connection::Sqlite(_)) => tokio::time::sleep(BUSY_PAUSE).await,
            Err(error) => return Err(error),
        }
    }
}

/// What is said where there is nothing to write on any more.
pub(super) fn closed() -> Error {
    Error::Away(Arc::new(std::io::Error::other("the store is closed")))
}
