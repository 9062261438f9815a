//! The configuration file: one TOML file for the service and its hosts. Unknown keys are refused.

pub mod api;
pub mod limits;
mod reconcile;
pub mod scheduler;

use std::{
    collections::BTreeMap,
    fs::DirBuilder,
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

pub use self::reconcile::Reconcile;
use self::{api::Api, scheduler::Scheduler};
use crate::{
    ids::BackendName,
    scheduler::{Function, Policy},
    store::{Location, PostgresLocation},
};

/// The whole file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the store, the sockets and the locks live. Made if missing, readable by its owner only.
    pub state_directory: PathBuf,
    /// Where records are kept; without this section, in a file of the state directory.
    pub store: Option<StoreSection>,
    /// The API.
    #[serde(default)]
    pub api: Api,
    /// Placement.
    #[serde(default)]
    pub scheduler: Scheduler,
    /// Images; without this section, volumes cannot be made from images.
    pub images: Option<Images>,
    /// Hosts of backends.
    #[serde(default)]
    pub host: Host,
    /// The backends, by name.
    #[serde(default)]
    pub backends: BTreeMap<BackendName, Backend>,
}

/// `[store]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSection {
    /// A PostgreSQL database: `postgresql://user@host:port/database`.
    pub url: String,
    /// Holds its password in the first line.
    pub password_file: Option<PathBuf>,
}

/// `[images]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Images {
    /// Holds `<id>.raw` and `<id>.qcow2`.
    pub directory: PathBuf,
}

/// `[host]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Host {
    /// Time between two reports of a backend.
    pub stats_interval_seconds: u64,
    /// Operations that one host works on at once.
    pub concurrency: u32,
    /// How long one driver call may take.
    pub operation_timeout_seconds: u64,
    /// How often an operation is tried while its backend cannot be reached, with growing pauses.
    pub attempts: u32,
    /// How long ended operations stay in the log.
    pub keep_operations_days: u32,
    /// A host that could not say for so long that it is alive stops; half as long again after that, another may take its
    /// backend.
    pub lease_seconds: u64,
    /// What is done about records and backend that do not fit together.
    pub reconcile: Reconcile,
}

/// `[backends.<name>]`
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Backend {
    /// The driver: `ashlar-driver-<driver>` beside `ashlar` or on the PATH.
    pub driver: String,
    /// What volume types call it; the backend's name where not given.
    pub volume_backend_name: Option<String>,
    /// Its zone; that of `[api]` where not given.
    pub availability_zone: Option<String>,
    /// Which volumes its pools take; what the driver reports where not given.
    pub filter_function: Option<Function>,
    /// How gladly they take one, from 0 to 100; what the driver reports where not given.
    pub goodness_function: Option<Function>,
    /// The driver's own settings; `ashlar-driver-<driver> describe` lists them.
    #[serde(default)]
    pub options: toml::Table,
}

impl StoreSection {
    /// A database by its address.
    ///
    /// # Errors
    /// What is wrong with the address.
    pub fn location(&self) -> Result<Location, String> {
        let Self { url, password_file } = self.clone();
        self.complaint().map_or_else(|| Ok(Location::Postgres(PostgresLocation { url, password_file })), Err)
    }

    fn complaint(&self) -> Option<String> {
        let Some(rest) = self.url.strip_prefix("postgresql://").or_else(|| self.url.strip_prefix("postgres://")) else {
            return Some("must begin with postgresql://, as in postgresql://ashlar@127.0.0.1:5432/ashlar".to_owned());
        };
        // This file may be read by more people than should know the password, and ends up in bug reports.
        let user = rest.split(['/', '?']).next().and_then(|authority| authority.rsplit_once('@'));
        if user.is_some_and(|(user, _)| user.contains(':')) || rest.contains("password=") {
            return Some(
                "holds a password: put it into a file of its own and name that in store.password_file".to_owned(),
            );
        }
        None
    }
}

impl Default for Host {
    fn default() -> Self {
        Self {
            stats_interval_seconds: 5,
            concurrency: 16,
            operation_timeout_seconds: 3600,
            attempts: 8,
            keep_operations_days: 30,
            lease_seconds: 6,
            reconcile: Reconcile::default(),
        }
    }
}

impl Host {
    /// How long a host goes on after it last said that it is alive.
    #[must_use]
    pub fn lease(&self) -> Duration {
        Duration::from_secs(self.lease_seconds)
    }
}

/// Why a configuration file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("cannot read the configuration file {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not TOML of this shape. The text shows the line.
    #[error("{path}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where, and what was expected.
        source: Box<toml::de::Error>,
    },
    /// A value makes no sense.
    #[error("{path}: {key} {why}")]
    Value {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What is wrong, and what would be right.
        why: String,
    },
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// [`Error`], which names the file and the line or key.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Self::load_with(path, |_| {})
    }

    /// The same, with what the command line says otherwise.
    ///
    /// # Errors
    /// [`Error`], likewise.
    pub fn load_with(path: &Path, change: impl FnOnce(&mut Self)) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
        let mut config: Self =
            toml::from_str(&text).map_err(|source| Error::Parse { path: path.to_owned(), source: Box::new(source) })?;
        change(&mut config);
        match config.complaint() {
            None => Ok(config),
            Some((key, why)) => Err(Error::Value { path: path.to_owned(), key, why }),
        }
    }

    fn complaint(&self) -> Option<(String, String)> {
        let at_least = |key: &str, value: u64, least: u64| {
            (value < least).then(|| (key.to_owned(), format!("is {value}, but must be at least {least}")))
        };
        if !self.state_directory.is_absolute() {
            return Some(("state_directory".to_owned(), "must be an absolute path".to_owned()));
        }
        if let Some(why) = self.store.as_ref().and_then(StoreSection::complaint) {
            return Some(("store.url".to_owned(), why));
        }
        at_least("api.attach_timeout_seconds", self.api.attach_timeout_seconds, 1)
            .or_else(|| self.api.complaint())
            .or_else(|| at_least("scheduler.stale_after_seconds", self.scheduler.stale_after_seconds, 1))
            .or_else(|| self.scheduler.complaint())
            .or_else(|| at_least("host.stats_interval_seconds", self.host.stats_interval_seconds, 1))
            .or_else(|| at_least("host.concurrency", self.host.concurrency.into(), 1))
            .or_else(|| at_least("host.operation_timeout_seconds", self.host.operation_timeout_seconds, 1))
            .or_else(|| at_least("host.attempts", self.host.attempts.into(), 1))
            .or_else(|| at_least("host.keep_operations_days", self.host.keep_operations_days.into(), 1))
            .or_else(|| at_least("host.lease_seconds", self.host.lease_seconds, 1))
            .or_else(|| at_least("host.reconcile.interval_seconds", self.host.reconcile.interval_seconds, 1))
            .or_else(|| self.host.reconcile.complaint())
    }

    /// Where the store is.
    #[must_use]
    pub fn store_location(&self) -> Location {
        match &self.store {
            Some(StoreSection { url, password_file }) => {
                Location::Postgres(PostgresLocation { url: url.clone(), password_file: password_file.clone() })
            }
            None => Location::File(self.state_directory.join("store.sqlite")),
        }
    }

    /// Sockets and locks.
    #[must_use]
    pub fn run_directory(&self) -> PathBuf {
        self.state_directory.join("run")
    }

    /// Makes the state and run directories where they are missing, for their owner only.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn make_directories(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(self.run_directory())
    }

    /// The scheduler's rules.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.scheduler.policy()
    }
}

#[cfg(test)]
mod tests {
    use super::Config;

    fn load(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.path().join("ashlar.toml");
        std::fs::write(&path, text).expect("written");
        Config::load(&path).map_err(|error| crate::chain::chain(&error))
    }

    #[test]
    fn the_smallest_file_is_one_line() {
        let config = load("state_directory = '/var/lib/ashlar'").expect("good");
        assert_eq!(config.api.listen.port(), 8776);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = load("state_directory = '/x'\n[api]\nlisten_on = '127.0.0.1:1'\n").expect_err("bad");
        assert!(error.contains("listen_on") && error.contains("line 3"), "{error}");
    }

    #[test]
    fn an_address_that_others_can_reach_is_refused() {
        let error = load("state_directory = '/x'\napi.listen = '0.0.0.0:8776'\n").expect_err("bad");
        assert!(error.contains("loopback"), "{error}");
    }

    #[test]
    fn a_password_in_the_store_s_address_is_refused() {
        let with = |url: &str| load(&format!("state_directory = '/x'\n[store]\nurl = '{url}'\n"));
        assert!(with("postgresql://ashlar@127.0.0.1:5432/ashlar").is_ok());
        assert!(with("postgresql:///ashlar?host=/run/postgresql").is_ok());
        for bad in ["postgresql://a:secret@127.0.0.1/x", "postgresql:///x?user=a&password=secret", "mysql://x/y"] {
            assert!(with(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_malformed_function_is_refused_with_its_line_and_column() {
        let with = |function: &str| {
            load(&format!("state_directory = '/x'\n[backends.a]\ndriver = 'local'\nfilter_function = \"{function}\"\n"))
        };
        assert!(with("volume.size < 10").is_ok());
        let error = with("volume.size < ten").expect_err("a bare word");
        assert!(error.contains("line 4") && error.contains("column 15: \"ten\" is no name"), "{error}");
    }

    #[test]
    fn a_backend_name_that_breaks_out_of_a_path_is_refused() {
        assert!(load("state_directory = '/x'\n[backends.'../x']\ndriver = 'local'\n").is_err());
    }
}
