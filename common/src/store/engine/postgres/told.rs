//! What an error means to those who know nothing of PostgreSQL.

use std::sync::Arc;

use tokio_postgres::error::SqlState;

use crate::store::error::Error;

/// Classes of errors after which the transaction, and often the connection, is gone, and a new try may do: the connection,
/// an operator's word, the transaction's state, resources, conflicts.
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
const PASSING: [&str; 5] = ["08", "57", "25", "53", "40"];

pub(super) fn told(error: tokio_postgres::Error) -> Error {
    let code = error.code().cloned();
    let cause = Arc::new(error);
    match code {
        Some(SqlState::DISK_FULL) => Error::Full(cause),
        Some(SqlState::READ_ONLY_SQL_TRANSACTION) => Error::ReadOnly(cause),
        Some(SqlState::LOCK_NOT_AVAILABLE) => Error::Busy,
        Some(SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED) => Error::Corrupt(cause),
        Some(code) if PASSING.iter().any(|class| code.code().starts_with(class)) => Error::Away(cause),
        Some(_) => Error::Database(cause),
        // It said nothing that could be understood.
        None => Error::Away(cause),
    }
}

/// Whether the server has gone, or has put the connection out: it said nothing, or that it or the connection ends.
pub(super) fn is_lost(error: &tokio_postgres::Error) -> bool {
    error.code().is_none_or(|code| ["57P", "08"].iter().any(|class| code.code().starts_with(class)))
}
