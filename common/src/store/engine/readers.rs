//! Connections that read: each transaction sees one consistent state, and keeps no writer waiting.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    Connection,
    connection::Step,
    location::{Location, Role},
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

/// A view, until dropped.
#[derive(Debug)]
pub(in crate::store) struct Reading {
    connection: Option<Connection>,
    readers: Readers,
    permit: Option<OwnedSemaphorePermit>,
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
        let permit = tokio::time::timeout(PATIENCE, Arc::clone(&self.permits).acquire_owned()).await;
        let permit = permit.map_err(|_| Error::Overloaded)?.map_err(|closed| Error::Away(Arc::new(closed)))?;
        let kept = self.idle().pop();
        let connection = match kept {
            Some(mut connection) => match connection.step(Step::BeginRead).await {
                Ok(()) => connection,
                // It was lost while it lay idle, perhaps with its server; a new one shows whether that is back.
                Err(error) if error.ends_connection() => self.fresh().await?,
                Err(error) => return Err(error),
            },
            None => self.fresh().await?,
        };
        Ok(Reading { connection: Some(connection), readers: self.clone(), permit: Some(permit) })
    }

    async fn fresh(&self) -> Result<Connection> {
        // Others that lie idle were lost with the same server.
        self.idle().clear();
        let mut connection = self.location.connect(Role::Reader).await?;
        connection.step(Step::BeginRead).await?;
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
}

impl Drop for Reading {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        if connection.is_broken() {
            return;
        }
        if connection.undo_now(Step::Undo) {
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
