//! One transaction. The other files of this folder add the queries, a file a table.

use std::{borrow::Cow, sync::Arc};

use uuid::Uuid;

use super::{
    engine::{Connection, Row, query::Query, readers::Reading, writers::Writing},
    error::Result,
    surroundings::{Fate, Surroundings},
};

/// A transaction on the store; undone when dropped.
#[derive(Debug)]
pub struct Tx {
    inner: Inner,
    surroundings: Arc<Surroundings>,
}

#[derive(Debug)]
enum Inner {
    Reading(Reading),
    Writing(Writing),
}

impl Tx {
    pub(super) fn reading(reading: Reading, surroundings: Arc<Surroundings>) -> Self {
        Self { inner: Inner::Reading(reading), surroundings }
    }

    pub(super) fn writing(writing: Writing, surroundings: Arc<Surroundings>) -> Self {
        Self { inner: Inner::Writing(writing), surroundings }
    }

    /// An id that nothing has yet.
    #[must_use]
    pub fn id<T: From<Uuid>>(&self) -> T {
        T::from(self.surroundings.uuid())
    }

    /// The statement as the engine gets it: as it is, but in tests of the simulation.
    pub(super) fn sent(&self, mut query: Query) -> Query {
        if let Some(altered) = self.surroundings.altered(query.text()) {
            query.replace_text(Cow::Owned(altered));
        }
        query
    }

    pub(super) fn connection(&mut self) -> Result<&mut Connection> {
        match &mut self.inner {
            Inner::Reading(reading) => Ok(reading.connection()),
            Inner::Writing(writing) => writing.connection(),
        }
    }

    pub(super) async fn run(&mut self, query: Query) -> Result<()> {
        match &mut self.inner {
            // No commit would wait for it.
            Inner::Reading(reading) => reading.connection().execute(&query).await.map(drop),
            Inner::Writing(writing) => writing.connection()?.later(query).await,
        }
    }

    pub(super) async fn fetch<T>(
        &mut self,
        query: &Query,
        from_row: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        match &mut self.inner {
            Inner::Reading(reading) => reading.fetch(query, from_row).await,
            Inner::Writing(writing) => writing.connection()?.fetch(query, from_row).await,
        }
    }

    /// Makes all of it durable, at once; returns when it is. Shares the disk's work with others that end now.
    ///
    /// # Errors
    /// When the database does not answer. Nothing was kept then, but after [`Error::Unknown`](super::Error::Unknown).
    pub async fn commit(self) -> Result<()> {
        let fate = self.surroundings.fate().await;
        match (self.inner, fate) {
            (Inner::Reading(_), _) | (_, Fate::Pretended) => Ok(()),
            (_, Fate::Undone(error)) => Err(error),
            (Inner::Writing(writing), Fate::Committed) => writing.commit().await,
            (Inner::Writing(writing), Fate::Unheard(error)) => writing.commit().await.and(Err(error)),
        }
    }
}
