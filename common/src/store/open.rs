//! Opening the store.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    engine::{Connection, location::Location, query, readers::Readers, writers::Writers},
    error::Result,
    schema,
    surroundings::{Clock, Surroundings},
    tx::Tx,
};
use crate::points::Point;

/// The store. Cheap to clone; all clones share their connections.
#[derive(Clone, Debug)]
pub struct Store {
    readers: Readers,
    writers: Writers,
    location: Arc<Location>,
    surroundings: Arc<Surroundings>,
    /// Keeps a database in memory there while no other connection is open.
    anchor: Option<Arc<Mutex<Connection>>>,
}

impl Store {
    /// Opens the store, making it where it is missing (a file with mode 0600) and bringing its schema up to date.
    ///
    /// # Errors
    /// [`Error::File`](super::Error::File) when a path cannot be used, [`Error::Schema`](super::Error::Schema) when a newer version wrote it, [`Error::Away`](super::Error::Away)
    /// when a server does not answer.
    pub async fn open(location: &Location) -> Result<Self> {
        let mut store = Self::unchecked(location)?;
        let connection = schema::upgrade(location).await?;
        if let Location::Memory(_) = location {
            store.anchor = Some(Arc::new(Mutex::new(connection)));
        }
        Ok(store)
    }

    /// Opens the SQLite file at `path`, as [`Store::open`] does.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_file(path: &Path) -> Result<Self> {
        Self::open(&Location::File(path.to_owned())).await
    }

    /// Opens the store as it is, whatever its schema.
    pub(super) fn unchecked(location: &Location) -> Result<Self> {
        let turns = location.prepare()?;
        Ok(Self {
            readers: Readers::new(location.clone()),
            writers: Writers::new(location.clone(), turns),
            location: Arc::new(location.clone()),
            surroundings: Arc::new(Surroundings::Real),
            anchor: None,
        })
    }

    /// The same store as a simulated process sees it, with a clock and ids of its own.
    #[must_use]
    pub fn within(&self, surroundings: Surroundings) -> Self {
        Self { surroundings: Arc::new(surroundings), ..self.clone() }
    }

    /// The time, for records.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.surroundings.now()
    }

    /// What the process's clocks show.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock { now: self.surroundings.now(), uptime: self.surroundings.uptime() }
    }

    /// An id that nothing has yet.
    #[must_use]
    pub fn id<T: From<Uuid>>(&self) -> T {
        T::from(self.surroundings.uuid())
    }

    /// The process has come to a point between two effects: nothing happens but in tests.
    pub async fn reached(&self, point: Point) {
        self.surroundings.reached(point).await;
    }

    /// A consistent view to read from.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn read(&self) -> Result<Tx> {
        // In memory there is one connection for all: others would not see a consistent state.
        if matches!(*self.location, Location::Memory(_)) {
            return self.write().await;
        }
        self.readers.begin().await.map(|reading| Tx::reading(reading, Arc::clone(&self.surroundings)))
    }

    /// Something to read from by one statement, or by several that need not see the same state: on a server it is quicker
    /// than a view.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn look(&self) -> Result<Tx> {
        if matches!(*self.location, Location::Memory(_)) {
            return self.write().await;
        }
        self.readers.look().await.map(|reading| Tx::reading(reading, Arc::clone(&self.surroundings)))
    }

    /// A transaction that may write. One at a time; dropped without [`Tx::commit`], it changes nothing.
    ///
    /// # Errors
    /// [`Error::Overloaded`](super::Error::Overloaded) when too many wait already, or when the database does not answer.
    pub async fn write(&self) -> Result<Tx> {
        self.surroundings.reach_store().await?;
        self.writers.begin().await.map(|writing| Tx::writing(writing, Arc::clone(&self.surroundings)))
    }

    /// How many transactions of this process wait for their turn to write.
    #[must_use]
    pub fn writers_waiting(&self) -> usize {
        self.writers.waiting()
    }

    /// How many transactions of this process ended well, and how many durable commits they took together.
    #[must_use]
    pub fn commit_counts(&self) -> (u64, u64) {
        self.writers.counts()
    }

    /// Whether the store can be written to. Tries it where the last transaction failed, since nobody else may come for
    /// a while.
    ///
    /// # Errors
    /// Why it cannot.
    pub async fn writable(&self) -> Result<()> {
        if self.writers.trouble().is_none() {
            return Ok(());
        }
        let mut tx = self.write().await?;
        query("UPDATE turn SET number = number + 1 WHERE id = 1").execute(&mut tx).await?;
        tx.commit().await
    }

    /// Where it is.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Closes all connections, waiting for those in use.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }
}
