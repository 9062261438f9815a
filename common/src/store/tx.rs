//! One transaction. The other files of this folder add the queries, a file a table.

use super::{
    engine::{Connection, readers::Reading, writers::Writing},
    error::Result,
};

/// A transaction on the store; undone when dropped.
#[derive(Debug)]
pub struct Tx {
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Reading(Reading),
    Writing(Writing),
}

impl Tx {
    pub(super) fn reading(reading: Reading) -> Self {
        Self { inner: Inner::Reading(reading) }
    }

    pub(super) fn writing(writing: Writing) -> Self {
        Self { inner: Inner::Writing(writing) }
    }

    pub(super) fn connection(&mut self) -> Result<&mut Connection> {
        match &mut self.inner {
            Inner::Reading(reading) => Ok(reading.connection()),
            Inner::Writing(writing) => writing.connection(),
        }
    }

    /// Makes all of it durable, at once; returns when it is. Shares the disk's work with others that end now.
    ///
    /// # Errors
    /// When the database does not answer. Nothing was kept then, but after [`Error::Unknown`](super::Error::Unknown).
    pub async fn commit(self) -> Result<()> {
        match self.inner {
            Inner::Reading(_) => Ok(()),
            Inner::Writing(writing) => writing.commit().await,
        }
    }
}
