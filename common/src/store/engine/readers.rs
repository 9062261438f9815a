//! Connections that read: each transaction sees one consistent state, and keeps no writer waiting.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    Connection, Row,
    connection::Step,
    location::{Location, Role},
    query::Query,
};
use crate::store::error::{Error, Result};

/// Views at once. More would only share the same cores.
const READERS: usize = 16;
/// No view is held for a hundredth of this.
const PATIENCE: Duration = Duration::from_secs(30);

/// The connections of one process.
#[derive(Clone, Debug)]
pub(in crate::store) struct Readers {
    location: Location,
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

/// What is read from, until dropped.
#[derive(Debug)]
pub(in crate::store) struct Reading {
    connection: Option<Connection>,
    readers: Readers,
    permit: Option<OwnedSemaphorePermit>,
    extent: Extent,
    /// The connection lay idle and may have been lost meanwhile, perhaps with its server.
    untried: bool,
}

/// What sees one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// Everything: it is a transaction.
    View,
    /// Each statement for itself.
    Statement,
}

impl Readers {
    pub(in crate::store) fn new(location: Location) -> Self {
        Self { location, idle: Arc::default(), permits: Arc::new(Semaphore::new(READERS)) }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Begins a view.
    pub(in crate::store) async fn begin(&self) -> Result<Reading> {
        let permit = self.permit().await?;
        let kept = self.idle().pop();
        let connection = match kept {
            Some(mut connection) => match connection.step(Step::BeginRead).await {
                Ok(()) => connection,
                // It was lost while it lay idle, perhaps with its server; a new one shows whether that is back.
                Err(error) if error.ends_connection() => self.fresh(Extent::View).await?,
                Err(error) => return Err(error),
            },
            None => self.fresh(Extent::View).await?,
        };
        Ok(self.reading(connection, permit, Extent::View))
    }

    /// Begins to read by one statement, or by several that need not see the same state: on a server that spares the
    /// messages that begin and end a transaction, which are as many as those of a small read.
    pub(in crate::store) async fn look(&self) -> Result<Reading> {
        if !matches!(self.location, Location::Postgres(_)) {
            return self.begin().await;
        }
        let permit = self.permit().await?;
        let kept = self.idle().pop();
        let untried = kept.is_some();
        let connection = match kept {
            Some(connection) => connection,
            None => self.fresh(Extent::Statement).await?,
        };
        let mut reading = self.reading(connection, permit, Extent::Statement);
        reading.untried = untried;
        Ok(reading)
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit> {
        let permit = tokio::time::timeout(PATIENCE, Arc::clone(&self.permits).acquire_owned()).await;
        permit.map_err(|_| Error::Overloaded)?.map_err(|closed| Error::Away(Arc::new(closed)))
    }

    fn reading(&self, connection: Connection, permit: OwnedSemaphorePermit, extent: Extent) -> Reading {
        Reading { connection: Some(connection), readers: self.clone(), permit: Some(permit), extent, untried: false }
    }

    async fn fresh(&self, extent: Extent) -> Result<Connection> {
        // Others that lie idle were lost with the same server.
        self.idle().clear();
        let mut connection = self.location.connect(Role::Reader).await?;
        if extent == Extent::View {
            connection.step(Step::BeginRead).await?;
        }
        Ok(connection)
    }

    /// Lets no new view begin, waits for those there are and closes their connections.
    pub(in crate::store) async fn close(&self) {
        let all = u32::try_from(READERS).unwrap_or(u32::MAX);
        // Who holds a view for so long keeps its connection, which ends with it.
        let _ = tokio::time::timeout(PATIENCE, self.permits.acquire_many(all)).await;
        self.permits.close();
        let idle: Vec<Connection> = self.idle().drain(..).collect();
        for connection in idle {
            if let Connection::Postgres(postgres) = connection {
                postgres.close().await;
            }
        }
    }
}

impl Reading {
    pub(in crate::store) fn connection(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("there until dropped")
    }

    /// Runs a statement; every row as `from_row` reads it.
    pub(in crate::store) async fn fetch<T>(
        &mut self,
        query: &Query,
        mut from_row: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let found = self.connection().fetch(query, &mut from_row).await;
        let lost = found.is_err() && self.connection().is_lost();
        if !(std::mem::take(&mut self.untried) && lost) {
            return found;
        }
        // A new one shows whether the server is back.
        self.connection = Some(self.readers.fresh(self.extent).await?);
        self.connection().fetch(query, from_row).await
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        if connection.is_broken() {
            return;
        }
        if self.extent == Extent::Statement && connection.is_given_up() {
            // Who got it next would wait for what this one gave up.
            return;
        }
        if self.extent == Extent::Statement || connection.undo_now(Step::Undo) {
            self.readers.idle().push(connection);
        } else if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (readers, permit) = (self.readers.clone(), self.permit.take());
            runtime.spawn(async move {
                if connection.step(Step::Undo).await.is_ok() && !readers.permits.is_closed() {
                    readers.idle().push(connection);
                }
                drop(permit);
            });
        }
    }
}
