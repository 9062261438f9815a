//! Opening the store.

use std::{
    fs::OpenOptions,
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    sync::Once,
    time::Duration,
};

use sqlx::{AnyPool, Executor, any::AnyPoolOptions};

use super::{
    error::{Error, Result},
    turn::Turns,
    tx::Tx,
};

/// Connections that read at once; SQLite's readers do not block each other nor the writer.
const READERS: u32 = 8;
/// How long SQLite itself waits for a lock. Writers come in turn, so it waits for stray users of the file only.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// The store. Cheap to clone; all clones share their connections.
#[derive(Clone, Debug)]
pub struct Store {
    readers: AnyPool,
    writer: AnyPool,
    turns: Turns,
    path: PathBuf,
}

static DRIVERS: Once = Once::new();

impl Store {
    /// Opens the SQLite file at `path`, making it (mode 0600) and bringing its schema up to date where needed.
    ///
    /// # Errors
    /// [`Error::File`] when the path cannot be used, [`Error::Migration`] when a newer version wrote it.
    pub async fn open(path: &Path) -> Result<Self> {
        DRIVERS.call_once(sqlx::any::install_default_drivers);
        let unusable = |source| Error::File { path: path.display().to_string(), source };
        prepare_file(path).map_err(unusable)?;
        let turns = Turns::open(path).map_err(unusable)?;
        let url = url(path);
        // In turn too: processes that start at once would otherwise both bring the schema up to date.
        let turn = turns.wait().await?;
        let writer = pool(&url, 1, "").await?;
        sqlx::migrate!("./migrations").run(&writer).await?;
        drop(turn);
        let readers = pool(&url, READERS, "PRAGMA query_only = ON;").await?;
        Ok(Self { readers, writer, turns, path: path.to_owned() })
    }

    /// A consistent view to read from.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn read(&self) -> Result<Tx> {
        Ok(Tx::new(self.readers.begin().await?, None))
    }

    /// A transaction that may write. One at a time; dropped without [`Tx::commit`], it changes nothing.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn write(&self) -> Result<Tx> {
        let turn = self.turns.wait().await?;
        // IMMEDIATE: a transaction that reads first and writes then would otherwise fail when another got in between.
        let inner = self.writer.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Tx::new(inner, Some(turn)))
    }

    /// The store's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Closes all connections, waiting for those in use.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// The path as a URL: what has a meaning there is escaped.
fn url(path: &Path) -> String {
    let mut url = "sqlite://".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => url.push(char::from(*byte)),
            other => url.push_str(&format!("%{other:02X}")),
        }
    }
    url
}

async fn pool(url: &str, size: u32, extra: &'static str) -> Result<AnyPool> {
    let pragmas = format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = {}; {extra}",
        BUSY_TIMEOUT.as_millis()
    );
    let options = AnyPoolOptions::new().max_connections(size).acquire_timeout(BUSY_TIMEOUT).after_connect(
        move |connection, _| {
            let pragmas = pragmas.clone();
            Box::pin(async move { connection.execute(sqlx::AssertSqlSafe(pragmas)).await.map(drop) })
        },
    );
    Ok(options.connect(url).await?)
}

/// Makes the file where it is missing. It holds connection secrets, so nobody else may read it.
fn prepare_file(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    file.set_permissions(PermissionsExt::from_mode(0o600))
}
