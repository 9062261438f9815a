//! A database for one test.

use super::address::{Address, FIRST};
use crate::error::{Error, Result};

/// An empty database with a name of its own; dropped with this value, whoever is still connected.
#[derive(Debug)]
pub struct Database {
    address: Address,
    name: String,
}

impl Database {
    pub(super) fn create(address: Address) -> Result<Self> {
        let name = format!("test_{}", random()?);
        // Nobody can connect to template0, so that any number of copies can be made of it at once.
        address.sql(FIRST, &format!("CREATE DATABASE {name} TEMPLATE template0"))?;
        Ok(Self { address, name })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its server.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Its URL, without the password.
    #[must_use]
    pub fn url(&self) -> String {
        self.address.url_of(&self.name)
    }

    /// Its URL with the password: see [`Address::secret_url_of`].
    ///
    /// # Errors
    /// As there.
    pub fn secret_url(&self) -> Result<String> {
        self.address.secret_url_of(&self.name)
    }

    /// Has `psql` carry out `statements` in it: see [`Address::sql`].
    ///
    /// # Errors
    /// As there.
    pub fn sql(&self, statements: &str) -> Result<String> {
        self.address.sql(&self.name, statements)
    }

    /// Ends all connections to it, as an administrator does; how many there were.
    ///
    /// # Errors
    /// As [`Self::sql`].
    pub fn cut(&self) -> Result<usize> {
        let name = &self.name;
        let cut = format!("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'");
        let count = self.address.sql(FIRST, &cut)?;
        count.parse().map_err(|_| Error::State("telling something else than how many connections it has cut"))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A server that is down takes the database with it when it is removed.
        let _server_gone = self.address.sql(FIRST, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

/// Sixteen hexadecimal digits that nobody can guess, for names and passwords.
pub(super) fn random() -> Result<String> {
    use std::{fmt::Write, fs::File, io::Read};
    let mut bytes = [0_u8; 8];
    let read = File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut bytes));
    read.map_err(Error::io("cannot draw random numbers"))?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
