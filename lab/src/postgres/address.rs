//! Where a server is, and what one needs to speak with it.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::database::Database;
use crate::{
    error::{Error, Result},
    program::Program,
};

/// The server's only user, who may do everything.
pub(super) const USER: &str = "ashlar";
/// The database that is there from the start.
pub(super) const FIRST: &str = "postgres";
const LIMIT: Duration = Duration::from_secs(60);
const CONNECT_SECONDS: &str = "10";

/// A server's address. It is good across restarts, and does not keep the server alive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    pub(super) tcp: SocketAddr,
    pub(super) socket: PathBuf,
    pub(super) password_file: PathBuf,
    pub(super) pass_file: PathBuf,
    pub(super) programs: PathBuf,
}

impl Address {
    /// Host and port.
    #[must_use]
    pub fn tcp(&self) -> SocketAddr {
        self.tcp
    }

    /// The directory of its Unix socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// The file that holds the password and nothing else, for who reads passwords from files.
    #[must_use]
    pub fn password_file(&self) -> &Path {
        &self.password_file
    }

    /// The same for libpq: `PGPASSFILE`.
    #[must_use]
    pub fn pass_file(&self) -> &Path {
        &self.pass_file
    }

    /// One of the programs of the same installation, as `psql` or `pg_dump`.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// The password.
    ///
    /// # Errors
    /// The server and its files are gone.
    pub fn password(&self) -> Result<String> {
        let path = &self.password_file;
        fs::read_to_string(path).map_err(Error::io(format!("cannot read {}", path.display())))
    }

    /// The URL of a database, without the password.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        format!("postgresql://{USER}@{}/{database}", self.tcp)
    }

    /// The same with the password, for a library that takes all of it in one text. No text for a command line or a log.
    ///
    /// # Errors
    /// The server and its files are gone.
    pub fn secret_url_of(&self, database: &str) -> Result<String> {
        Ok(format!("postgresql://{USER}:{}@{}/{database}", self.password()?, self.tcp))
    }

    /// The same server, by way of somebody in between: [`crate::proxy::Proxy`].
    #[must_use]
    pub fn through(&self, proxy: SocketAddr) -> Self {
        Self { tcp: proxy, ..self.clone() }
    }

    /// Has `psql` carry out `statements` and returns what they answer: a line for each row, `|` between columns.
    ///
    /// # Errors
    /// The server does not answer, or refuses one of them; the text is the server's.
    pub fn sql(&self, database: &str, statements: &str) -> Result<String> {
        let quietly = ["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1"];
        let psql = Program::new(self.program("psql")).arguments(quietly).arguments(self.words());
        Ok(psql
            .variable("PGPASSFILE", &self.pass_file)
            .variable("PGCONNECT_TIMEOUT", CONNECT_SECONDS)
            .arguments([database])
            .input(statements)
            .run(LIMIT)?
            .trim_end()
            .to_owned())
    }

    /// What libpq's programs take to get here.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let (host, port) = (self.tcp.ip(), self.tcp.port());
        vec![
            format!("--host={host}"),
            format!("--port={port}"),
            format!("--username={USER}"),
            "--no-password".to_owned(),
        ]
    }

    /// Makes an empty database of its own, which is dropped with the value.
    ///
    /// # Errors
    /// As [`Self::sql`].
    pub fn database(&self) -> Result<Database> {
        Database::create(self.clone())
    }
}
