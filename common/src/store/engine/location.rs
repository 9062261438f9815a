//! Where a store is, and how a connection to it is made.

use std::path::PathBuf;

use super::{Connection, postgres, sqlite};
use crate::store::error::Result;

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

impl Location {
    /// Connects.
    pub(in crate::store) async fn connect(&self, role: Role) -> Result<Connection> {
        match self {
            Self::File(path) => sqlite::open(path, role).map(Connection::Sqlite),
            Self::Memory(name) => sqlite::open_memory(name).map(Connection::Sqlite),
            Self::Postgres(location) => postgres::connect(location).await.map(Connection::Postgres),
        }
    }
}
