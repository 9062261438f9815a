//! One transaction. The other files of this folder add the queries, a file a table.

use sqlx::{Any, AnyConnection, Transaction};

use super::{error::Result, turn::Turn};

/// A transaction on the store; rolled back when dropped.
#[derive(Debug)]
pub struct Tx {
    inner: Transaction<'static, Any>,
    /// Held by writers until they end, so that the next in line can begin.
    _turn: Option<Turn>,
}

impl Tx {
    pub(super) fn new(inner: Transaction<'static, Any>, turn: Option<Turn>) -> Self {
        Self { inner, _turn: turn }
    }

    pub(super) fn connection(&mut self) -> &mut AnyConnection {
        &mut self.inner
    }

    /// Makes all of it durable, at once.
    ///
    /// # Errors
    /// When the database does not answer; then it is unknown whether it was committed.
    pub async fn commit(self) -> Result<()> {
        Ok(self.inner.commit().await?)
    }
}
