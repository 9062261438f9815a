//! Why something is not done with a store.

use crate::store;

/// Why not. Nothing was changed, wherever it came from.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store itself.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Services, hosts or other programs have it open.
    #[error("the store is in use by {}; stop them first", .by.join(", "))]
    InUse {
        /// Who.
        by: Vec<String>,
    },
    /// A copy goes only to where nothing is.
    #[error("the store to copy to is not empty: it has {rows} rows in the table {table}; name another")]
    NotEmpty {
        /// The first table with rows.
        table: String,
        /// How many.
        rows: u64,
    },
    /// It was to be copied to itself.
    #[error("the store to copy to is the one to copy from")]
    Same,
    /// The schema is not this program's.
    #[error("the store has the schema {found}, and this program works with {wanted}: run `ashlar store schema` first")]
    Version {
        /// Its version.
        found: i64,
        /// This program's.
        wanted: i64,
    },
    /// What was written does not read back as what was read.
    #[error("the copy of the table {table} differs from the table; nothing of it was kept")]
    Differs {
        /// The table.
        table: String,
    },
}
