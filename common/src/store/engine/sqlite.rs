//! SQLite in a file.
//!
//! Statements run where they are called: they take microseconds, and handing them to another thread would take longer
//! than most of them. What waits for the disk is the commit, and that one goes to a thread of its own ([`commit`]).

use std::{
    fs::OpenOptions,
    io,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
    sync::Arc,
    time::Duration,
};

use rusqlite::{ErrorCode, OpenFlags, Statement, config::DbConfig};

use super::{
    Row,
    connection::Step,
    location::Role,
    query::Query,
    sqlite_file::{Gone, OpenFile},
    value::Value,
};
use crate::store::error::{Error, Result};

/// How long SQLite itself waits for a lock, in small sleeps of the calling thread. Writers come in turn, so only stray
/// users of the file are ever waited for; the writers' queue is patient beyond this.
const BUSY_TIMEOUT: Duration = Duration::from_millis(200);
/// Statements that a connection keeps prepared: more than the store has.
const STATEMENTS: usize = 128;

/// A connection to a file.
#[derive(Debug)]
pub(in crate::store) struct Sqlite {
    inner: rusqlite::Connection,
    broken: bool,
    /// A transaction was begun and not ended by us.
    begun: bool,
    /// In memory: nothing to wait for.
    pub(super) volatile: bool,
    /// Where not in memory.
    file: Option<OpenFile>,
}

/// Opens the file at `path`, which must be there: see [`prepare_file`].
pub(super) fn open(path: &Path, role: Role) -> Result<Sqlite> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let inner = rusqlite::Connection::open_with_flags(path, flags).map_err(told)?;
    inner.busy_timeout(BUSY_TIMEOUT).map_err(told)?;
    // The same plan whatever the values: SQLite would otherwise plan some statements anew for each.
    inner.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(told)?;
    inner.set_prepared_statement_cache_capacity(STATEMENTS);
    inner
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
             PRAGMA case_sensitive_like = ON; PRAGMA temp_store = MEMORY;",
        )
        .map_err(told)?;
    if role == Role::Reader {
        inner.execute_batch("PRAGMA query_only = ON;").map_err(told)?;
    }
    let file = Some(OpenFile::at(path)?);
    Ok(Sqlite { inner, broken: false, begun: false, volatile: false, file })
}

/// Opens the database in memory of that name.
pub(super) fn open_memory(name: &str) -> Result<Sqlite> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let path = format!("file:{name}?mode=memory&cache=shared");
    let inner = rusqlite::Connection::open_with_flags(path, flags).map_err(told)?;
    inner.set_prepared_statement_cache_capacity(STATEMENTS);
    inner.execute_batch("PRAGMA foreign_keys = ON; PRAGMA case_sensitive_like = ON;").map_err(told)?;
    Ok(Sqlite { inner, broken: false, begun: false, volatile: true, file: None })
}

/// Makes the file where it is missing. It holds connection secrets, so nobody else may read it.
pub(in crate::store) fn prepare_file(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    file.set_permissions(PermissionsExt::from_mode(0o600))
}

/// What an error means to those who know nothing of SQLite.
fn told(error: rusqlite::Error) -> Error {
    let code = error.sqlite_error_code();
    let cause = Arc::new(error);
    match code {
        Some(ErrorCode::DiskFull) => Error::Full(cause),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Error::ReadOnly(cause),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::Corrupt(cause),
        Some(ErrorCode::CannotOpen | ErrorCode::SystemIoFailure) => Error::Away(cause),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Busy,
        _ => Error::Database(cause),
    }
}

impl Sqlite {
    fn noted<T>(&mut self, result: rusqlite::Result<T>) -> Result<T> {
        result.map_err(told).inspect_err(|error| self.broken |= error.ends_connection())
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    pub(super) fn step(&mut self, step: Step) -> Result<()> {
        let text = match step {
            Step::BeginRead => "BEGIN",
            // IMMEDIATE: a transaction that reads first and writes then would otherwise fail when another got between.
            Step::BeginWrite | Step::BeginSchema => "BEGIN IMMEDIATE",
            Step::BeginPart => "SAVEPOINT part",
            Step::EndPart => "RELEASE part",
            Step::UndoPart => {
                self.run("ROLLBACK TO part")?;
                "RELEASE part"
            }
            // A failed statement may have ended the transaction already.
            Step::Undo if self.inner.is_autocommit() => {
                self.begun = false;
                return Ok(());
            }
            Step::Undo => "ROLLBACK",
            Step::EndSchema => "COMMIT",
        };
        if let Step::BeginRead | Step::BeginWrite = step {
            self.begin_on_the_file()?;
        }
        self.run(text)?;
        match step {
            Step::BeginRead | Step::BeginWrite => self.begun = true,
            Step::Undo => self.begun = false,
            _ => {}
        }
        Ok(())
    }

    /// Whoever removes or replaces the file leaves open connections with one that has no name: what they commit there is
    /// lost with them.
    fn still_the_file(&mut self) -> std::result::Result<(), Gone> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.is_still_there().inspect_err(|gone| self.broken |= !gone.only_log())
    }

    /// The same before a transaction, where what is left can be saved.
    fn begin_on_the_file(&mut self) -> Result<()> {
        let Err(gone) = self.still_the_file() else { return Ok(()) };
        if gone.only_log() {
            self.empty_log()?;
        }
        self.broken = true;
        Err(Error::Away(Arc::new(gone)))
    }

    /// Writes what was committed into the file: it is in a log that nobody else can open any more, and who opens the file
    /// anew must not look for it in the log's successor. As long as somebody reads from the log: [`Error::Busy`].
    fn empty_log(&mut self) -> Result<()> {
        let reads = self.inner.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
        if self.noted(reads)? == 0 { Ok(()) } else { Err(Error::Busy) }
    }

    /// SQLite undoes a whole transaction by itself when the disk is full or fails. What came after would then be made
    /// durable statement by statement.
    fn still_in_transaction(&self) -> Result<()> {
        if self.begun && self.inner.is_autocommit() {
            return Err(Error::Away(Arc::new(io::Error::other("the transaction was undone by an earlier fault"))));
        }
        Ok(())
    }

    fn run(&mut self, text: &'static str) -> Result<()> {
        let done = self.inner.prepare_cached(text).and_then(|mut statement| statement.raw_execute());
        self.noted(done).map(drop)
    }

    /// Makes the transaction durable. Waits for the disk.
    pub(super) fn commit(&mut self) -> Result<()> {
        self.still_in_transaction()?;
        let there = self.still_the_file().map_err(|gone| Error::Away(Arc::new(gone)));
        let committed = there.and_then(|()| self.run("COMMIT"));
        self.begun = false;
        if committed.is_err() && !self.inner.is_autocommit() {
            self.step(Step::Undo)?;
        }
        committed
    }

    pub(super) fn execute(&mut self, query: &Query) -> Result<u64> {
        self.still_in_transaction()?;
        let done = self.inner.prepare_cached(&query.text).and_then(|mut statement| {
            bind(&mut statement, &query.values)?;
            statement.raw_execute()
        });
        self.noted(done).map(|rows| u64::try_from(rows).unwrap_or(u64::MAX))
    }

    pub(super) fn fetch<T>(
        &mut self,
        query: &Query,
        mut from_row: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.still_in_transaction()?;
        let mut found = Vec::new();
        let read = self.inner.prepare_cached(&query.text).and_then(|mut statement| {
            bind(&mut statement, &query.values)?;
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next()? {
                match from_row(&Row::sqlite(row)) {
                    Ok(value) => found.push(value),
                    Err(error) => return Ok(Err(error)),
                }
            }
            Ok(Ok(()))
        });
        self.noted(read)??;
        Ok(found)
    }

    pub(super) fn script(&mut self, script: &str) -> Result<()> {
        let done = self.inner.execute_batch(script);
        self.noted(done)
    }
}

/// Gives parameters their values by number: SQLite itself counts `$2` as the first where it comes first in the text.
fn bind(statement: &mut Statement<'_>, values: &[Value]) -> rusqlite::Result<()> {
    for index in 1..=statement.parameter_count() {
        let number = statement.parameter_name(index).and_then(|name| name.get(1..)?.parse::<usize>().ok());
        match number.and_then(|number| values.get(number.checked_sub(1)?)) {
            Some(Value::Text(text)) => statement.raw_bind_parameter(index, text.as_deref())?,
            Some(Value::Number(number)) => statement.raw_bind_parameter(index, number)?,
            None => return Err(rusqlite::Error::InvalidParameterCount(index, values.len())),
        }
    }
    Ok(())
}
