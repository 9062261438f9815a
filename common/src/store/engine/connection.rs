//! A connection to either engine.

use super::{Row, postgres::Postgres, query::Query, sqlite::Sqlite};
use crate::store::error::Result;

/// A connection, and what of it differs between the engines.
#[derive(Debug)]
pub(in crate::store) enum Connection {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// The steps of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Step {
    /// Begins a consistent view.
    BeginRead,
    /// Begins a transaction that writes. No other has one.
    BeginWrite,
    /// Begins a part of a transaction that can be undone alone.
    BeginPart,
    /// Keeps a part.
    EndPart,
    /// Undoes a part.
    UndoPart,
    /// Undoes the transaction.
    Undo,
    /// Begins a change of the schema, which only one process makes at a time.
    BeginSchema,
    /// Makes a change of the schema durable.
    EndSchema,
}

impl Connection {
    /// Takes a step.
    pub(in crate::store) async fn step(&mut self, step: Step) -> Result<()> {
        match self {
            Self::Sqlite(sqlite) => sqlite.step(step),
            Self::Postgres(postgres) => postgres.step(step).await,
        }
    }

    /// Undoes at once, where the engine can: what a transaction that is dropped needs.
    pub(super) fn undo_now(&mut self, step: Step) -> bool {
        match self {
            Self::Sqlite(sqlite) => sqlite.step(step).is_ok(),
            Self::Postgres(_) => false,
        }
    }

    /// Runs a statement; says how many rows it touched.
    pub(in crate::store) async fn execute(&mut self, query: &Query) -> Result<u64> {
        match self {
            Self::Sqlite(sqlite) => sqlite.execute(query),
            Self::Postgres(postgres) => postgres.execute(query).await,
        }
    }

    /// Runs a statement of which nobody asks how many rows it touched. It may fail later: with what is waited for next.
    pub(in crate::store) async fn later(&mut self, query: Query) -> Result<()> {
        match self {
            Self::Sqlite(sqlite) => sqlite.execute(&query).map(drop),
            Self::Postgres(postgres) => postgres.later(query).await,
        }
    }

    /// Waits for what was not waited for.
    pub(super) async fn settle(&mut self) -> Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(postgres) => postgres.settle().await,
        }
    }

    /// Runs a statement; every row as `from_row` reads it.
    pub(in crate::store) async fn fetch<T>(
        &mut self,
        query: &Query,
        from_row: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        match self {
            Self::Sqlite(sqlite) => sqlite.fetch(query, from_row),
            Self::Postgres(postgres) => postgres.fetch(query, from_row).await,
        }
    }

    /// Runs several statements without parameters.
    pub(in crate::store) async fn script(&mut self, script: &'static str) -> Result<()> {
        match self {
            Self::Sqlite(sqlite) => sqlite.script(script),
            Self::Postgres(postgres) => postgres.script(script).await,
        }
    }

    /// Whether the server has gone, or has put it out.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Self::Postgres(postgres) if postgres.is_lost())
    }

    /// Whether a request may still be at work whose answer nobody waits for.
    pub(super) fn is_given_up(&self) -> bool {
        matches!(self, Self::Postgres(postgres) if postgres.is_given_up())
    }

    /// Whether it is of no more use.
    pub(super) fn is_broken(&self) -> bool {
        match self {
            Self::Sqlite(sqlite) => sqlite.is_broken(),
            Self::Postgres(postgres) => postgres.is_broken(),
        }
    }
}
