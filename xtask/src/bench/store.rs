//! Which stores are measured, and what each is without a service before it.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use ashlar_lab::postgres::{Database, Server};
use clap::ValueEnum;
use serde::Serialize;

use super::floors::sql::{self, Commits};

/// What a service keeps its records in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// A file of its own.
    Sqlite,
    /// A database on a server of the lab, which waits for the disk.
    Postgres,
}

impl Engine {
    /// Its name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// What `--store` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Stores {
    /// A file of its own
    Sqlite,
    /// A database on a durable server of the lab
    Postgres,
    /// One after the other
    #[default]
    Both,
}

impl Stores {
    /// One after another.
    #[must_use]
    pub fn engines(self) -> &'static [Engine] {
        match self {
            Self::Sqlite => &[Engine::Sqlite],
            Self::Postgres => &[Engine::Postgres],
            Self::Both => &[Engine::Sqlite, Engine::Postgres],
        }
    }
}

/// An engine that is there to be used; a server ends with it.
#[derive(Debug)]
pub struct Backing {
    engine: Engine,
    server: Option<Server>,
}

impl Backing {
    /// Raises the server where there is one, below `folder`.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or does not start.
    pub fn raise(engine: Engine, folder: &Path) -> Result<Self> {
        let server = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => {
                std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
                Some(Server::start(folder)?)
            }
        };
        Ok(Self { engine, server })
    }

    /// Which it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// A store for one service; `None` where a service makes its own.
    ///
    /// # Errors
    /// The server does not answer.
    pub fn database(&self) -> Result<Option<Database>> {
        Ok(self.server.as_ref().map(Server::database).transpose()?)
    }

    /// What durable transactions of one row take, so many `clients` at once; SQLite has one writer, and one client here.
    ///
    /// # Errors
    /// The engine or what drives it is not there.
    pub fn commits(&self, directory: &Path, count: usize, clients: usize) -> Result<Commits> {
        match &self.server {
            None => sql::sqlite(directory, count),
            Some(server) => sql::postgres(&server.database()?, directory, count, clients),
        }
    }

    /// How many clients at once are worth asking with.
    #[must_use]
    pub fn clients(&self) -> &'static [usize] {
        match self.engine {
            Engine::Sqlite => &[1],
            Engine::Postgres => &[1, 16, 64],
        }
    }
}

/// The lines of a configuration that say where records go.
///
/// # Errors
/// A path that is no UTF-8, which TOML cannot say.
pub fn section(database: Option<&Database>) -> Result<String> {
    let Some(database) = database else { return Ok(String::new()) };
    let password = database.address().password_file();
    let password = password.to_str().with_context(|| format!("{} is no UTF-8", password.display()))?;
    let (url, password) = (toml::Value::from(database.url()), toml::Value::from(password));
    Ok(format!("\n[store]\nurl = {url}\npassword_file = {password}\n"))
}

/// As a rate, had one followed the other without a pause.
#[must_use]
pub fn each_second(time: Duration) -> f64 {
    1.0 / time.as_secs_f64().max(1e-9)
}
