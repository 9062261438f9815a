//! What can go wrong in this driver besides the store's own errors.

use ashlar_common::{
    driver::{Classified, Kind},
    ids::PoolName,
};

/// An error of the local driver.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A key of the configuration has a value that makes no sense.
    #[error("{key} = {value} cannot be: {rule}")]
    Setting {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        rule: &'static str,
    },
    /// The configured pool has another name.
    #[error("there is no pool {asked}: this backend has one, {has}; `pool` in its configuration must stay as it was")]
    NoPool {
        /// Asked for.
        asked: PoolName,
        /// Configured.
        has: PoolName,
    },
    /// An error of the store.
    #[error(transparent)]
    Store(#[from] ashlar_file_volumes::Error),
}

impl Classified for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Setting { .. } | Self::NoPool { .. } => Kind::Invalid,
            Self::Store(error) => error.kind(),
        }
    }
}
