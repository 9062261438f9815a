//! Which store is measured.

use clap::ValueEnum;
use serde::Serialize;

/// What a service keeps its records in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// A file of its own.
    Sqlite,
}

impl Engine {
    /// Its name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
        }
    }
}

/// What `--store` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Stores {
    /// The default: a file of its own
    #[default]
    Sqlite,
}

impl Stores {
    /// One after another.
    #[must_use]
    pub fn engines(self) -> &'static [Engine] {
        match self {
            Self::Sqlite => &[Engine::Sqlite],
        }
    }
}
