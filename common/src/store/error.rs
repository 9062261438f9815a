//! What can go wrong with the store.

/// A store error. Callers cannot mend one; they report it and let the operation be tried again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file or its folder cannot be used.
    #[error("cannot use the store at {path}: {source}")]
    File {
        /// The store's file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The database said no.
    #[error("the store does not answer")]
    Database(#[from] sqlx::Error),
    /// Another process has been writing for far too long.
    #[error("the store is held by a process that does not let go of it; is one of them stopped?")]
    Busy,
    /// The schema could not be brought up to date.
    #[error("the store's schema cannot be brought up to date; was it written by a newer version?")]
    Migration(#[from] sqlx::migrate::MigrateError),
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
