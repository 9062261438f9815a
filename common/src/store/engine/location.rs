//! Where a store is, and how a connection to it is made.

use std::{
    fmt::{self, Display},
    path::PathBuf,
    sync::Arc,
};

use super::{Connection, postgres, sqlite, turn::Turns};
use crate::store::error::{Error, Result};

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A file of SQLite, for one machine.
    File(PathBuf),
    /// A database of PostgreSQL, for many.
    Postgres(PostgresLocation),
    /// A database in this process that goes with it, of that name: for simulations.
    Memory(String),
}

/// How a PostgreSQL database is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresLocation {
    /// `postgresql://user@host:port/database?...`, without a password.
    pub url: String,
    /// Holds the password in its first line; read anew for each connection, so that it can be changed.
    pub password_file: Option<PathBuf>,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Role {
    /// Reads consistent views.
    Reader,
    /// Writes, one transaction after the other.
    Writer,
}

impl Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(formatter),
            // It holds no password: the configuration refuses one.
            Self::Postgres(location) => location.url.fmt(formatter),
            Self::Memory(name) => write!(formatter, "memory, by the name {name}"),
        }
    }
}

impl Location {
    /// Makes what must be there before anybody connects; gives the queue of the processes that write to it, where the
    /// engine has none of its own.
    pub(in crate::store) fn prepare(&self) -> Result<Option<Turns>> {
        let Self::File(path) = self else { return Ok(None) };
        let unusable = |error| Error::File { path: path.display().to_string(), source: Arc::new(error) };
        sqlite::prepare_file(path).map_err(unusable)?;
        Turns::open(path).map(Some).map_err(unusable)
    }

    /// Connects.
    pub(in crate::store) async fn connect(&self, role: Role) -> Result<Connection> {
        match self {
            Self::File(path) => sqlite::open(path, role).map(Connection::Sqlite),
            Self::Memory(name) => sqlite::open_memory(name).map(Connection::Sqlite),
            Self::Postgres(location) => postgres::connect(location, role).await.map(Connection::Postgres),
        }
    }
}
