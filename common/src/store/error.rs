//! What can go wrong with the store.

use std::sync::Arc;

/// What an engine said. Shared, since one commit that fails is the failure of many transactions.
pub type Cause = Arc<dyn std::error::Error + Send + Sync>;

/// A store error. Callers cannot mend one; they report it and let the operation be tried again.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The file or its folder cannot be used.
    #[error("cannot use the store at {path}")]
    File {
        /// The store's file.
        path: String,
        /// Why.
        source: Arc<std::io::Error>,
    },
    /// The database cannot be reached, or went away. Nothing of the transaction was kept.
    #[error("the store cannot be reached")]
    Away(#[source] Cause),
    /// The disk of the store has no room, so nothing can be written. Nothing of the transaction was kept.
    #[error("the store's disk is full; make room there")]
    Full(#[source] Cause),
    /// The store cannot be written to. Nothing of the transaction was kept.
    #[error("the store can be read only; mend its file system or its rights")]
    ReadOnly(#[source] Cause),
    /// The store's file is not, or is no longer, a database.
    #[error("the store's file is damaged; put a copy in its place, see docs/store.md")]
    Corrupt(#[source] Cause),
    /// The database said no to a statement.
    #[error("the store refuses a statement")]
    Database(#[source] Cause),
    /// Another process has been writing for far too long.
    #[error("the store is held by a process that does not let go of it; is one of them stopped?")]
    Busy,
    /// Too many transactions wait for their turn to write. Nothing was begun.
    #[error("too many requests wait for the store; ask again in a moment")]
    Overloaded,
    /// The database went away in the middle of a commit and has not come back to say what became of it.
    #[error("the store went away while it was committing; look before you ask again")]
    Unknown,
    /// The schema could not be brought up to date.
    #[error("the store's schema: {0}")]
    Schema(String),
    /// A record does not read back: the file was edited by hand or by a newer version.
    #[error("the store holds a {what} that does not read back: {why}")]
    Damaged {
        /// Which column of which table.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A host that lost its backend's lease tried to commit.
    #[error("another host has taken over backend {backend}; this one must stop")]
    Fenced {
        /// The backend.
        backend: String,
    },
}

/// Result of a store call.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Whether the connection that gave it is of no more use.
    pub(super) fn ends_connection(&self) -> bool {
        matches!(self, Self::Away(_) | Self::Unknown | Self::Corrupt(_))
    }

    /// Whether it is about the store, and not about one transaction: the next will fare no better.
    pub(super) fn stops_all(&self) -> bool {
        match self {
            Self::File { .. }
            | Self::Away(_)
            | Self::Full(_)
            | Self::ReadOnly(_)
            | Self::Corrupt(_)
            | Self::Busy
            | Self::Unknown => true,
            Self::Database(_) | Self::Overloaded | Self::Schema(_) | Self::Damaged { .. } | Self::Fenced { .. } => {
                false
            }
        }
    }
}
