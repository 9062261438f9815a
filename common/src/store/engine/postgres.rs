//! PostgreSQL, and what speaks its protocol and its plain SQL.

use std::{sync::Arc, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection as _, Executor, PgConnection,
    postgres::{PgArguments, PgConnectOptions},
};
use tokio::time::timeout;

use super::{
    Row,
    connection::Step,
    location::{PostgresLocation, Role},
    query::Query,
    value::Value,
};
use crate::store::error::{Error, Result};

/// For a connection to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// For any one statement. The server gives up by itself a little earlier, so that it says why.
const STATEMENT: Duration = Duration::from_secs(35);
/// Statements that a connection keeps prepared: more than the store has.
const STATEMENTS: usize = 256;
/// What the server itself bounds, in milliseconds: a statement, the wait for a lock, and a transaction whose client has
/// gone silent, which would otherwise keep all other writers waiting. In seconds: when it asks a client that says
/// nothing whether its machine is there.
const SETTINGS: [(&str, &str); 6] = [
    ("statement_timeout", "30000"),
    ("lock_timeout", "25000"),
    ("idle_in_transaction_session_timeout", "10000"),
    ("tcp_keepalives_idle", "15"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
];

/// A connection to a server.
#[derive(Debug)]
pub(in crate::store) struct Postgres {
    inner: PgConnection,
    broken: bool,
    part: Part,
}

/// How the last part of a shared transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// There is none.
    None,
    /// Statements are in it, all of which went well.
    Open,
    /// A statement of it failed: the server takes no more until it is undone.
    Spoiled,
    /// It is kept. The server is told with the next message; a commit keeps it anyway.
    Kept,
}

/// Connects.
pub(super) async fn connect(location: &PostgresLocation, role: Role) -> Result<Postgres> {
    let options = location.options()?.statement_cache_capacity(STATEMENTS);
    let options = match role {
        Role::Reader => options.options([("default_transaction_read_only", "on")]),
        Role::Writer => options,
    };
    match timeout(CONNECT, options.connect()).await {
        Ok(Ok(inner)) => Ok(Postgres { inner, broken: false, part: Part::None }),
        Ok(Err(error)) => Err(Error::Away(Arc::new(error))),
        Err(late) => Err(Error::Away(Arc::new(late))),
    }
}

impl PostgresLocation {
    /// What a connection is made with, also one that carries wake-ups.
    pub(crate) fn options(&self) -> Result<PgConnectOptions> {
        let unusable = |source| Error::File { path: "the store's password file".to_owned(), source: Arc::new(source) };
        let mut options: PgConnectOptions = self.url.parse().map_err(|error| Error::Away(Arc::new(error)))?;
        if let Some(path) = &self.password_file {
            let text = std::fs::read_to_string(path).map_err(unusable)?;
            options = options.password(text.lines().next().unwrap_or_default());
        }
        Ok(options.application_name("ashlar").options(SETTINGS).disable_statement_logging())
    }
}

/// What an error means to those who know nothing of PostgreSQL.
fn told(error: sqlx::Error) -> Error {
    let class = error.as_database_error().and_then(|told| told.code()).map(|code| code.to_string());
    let away = matches!(
        error,
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed
    );
    let cause = Arc::new(error);
    // https://www.postgresql.org/docs/current/errcodes-appendix.html
    match class.as_deref() {
        Some("53100") => Error::Full(cause),
        Some("25006") => Error::ReadOnly(cause),
        Some("55P03") => Error::Busy,
        Some("XX001" | "XX002") => Error::Corrupt(cause),
        Some(code) if ["08", "57", "25", "53", "40"].iter().any(|class| code.starts_with(class)) => Error::Away(cause),
        None if away => Error::Away(cause),
        _ => Error::Database(cause),
    }
}

impl Postgres {
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    pub(super) async fn step(&mut self, step: Step) -> Result<()> {
        let text = match (step, self.part) {
            (Step::BeginRead, _) => "BEGIN ISOLATION LEVEL REPEATABLE READ",
            // The row's lock is the turn: held until the transaction ends, by whichever process of whichever machine.
            (Step::BeginWrite, _) => "BEGIN; UPDATE turn SET number = number + 1 WHERE id = 1",
            (Step::BeginPart, Part::Kept) => "RELEASE SAVEPOINT part; SAVEPOINT part",
            (Step::BeginPart, _) => "SAVEPOINT part",
            (Step::EndPart, Part::Open) => {
                self.part = Part::Kept;
                return Ok(());
            }
            (Step::EndPart, _) => "RELEASE SAVEPOINT part",
            (Step::UndoPart, _) => "ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part",
            (Step::Undo, _) => "ROLLBACK",
            (Step::BeginSchema, _) => "BEGIN; UPDATE schema_changes SET name = name WHERE number = 0",
            (Step::EndSchema, _) => "COMMIT",
        };
        self.script(text).await?;
        self.part = if step == Step::BeginPart { Part::Open } else { Part::None };
        Ok(())
    }

    /// Makes the transaction durable, with a mark by which it is found again if the answer gets lost.
    pub(super) async fn commit(&mut self, mark: uuid::Uuid) -> Result<()> {
        let script = format!(
            "INSERT INTO commits (mark, number) SELECT '{}', number FROM turn WHERE id = 1; COMMIT",
            mark.as_hyphenated()
        );
        self.bounded(async |inner| inner.execute(sqlx::raw_sql(AssertSqlSafe(script))).await.map(drop)).await?;
        self.part = Part::None;
        Ok(())
    }

    pub(super) async fn execute(&mut self, query: &Query) -> Result<u64> {
        self.bounded(async |inner| Ok(prepared(query).execute(inner).await?.rows_affected())).await
    }

    pub(super) async fn fetch<T>(
        &mut self,
        query: &Query,
        mut from_row: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let rows = self.bounded(async |inner| prepared(query).fetch_all(inner).await).await?;
        rows.iter().map(|row| from_row(&Row::postgres(row))).collect()
    }

    pub(super) async fn script(&mut self, script: &'static str) -> Result<()> {
        self.bounded(async |inner| inner.execute(sqlx::raw_sql(script)).await.map(drop)).await
    }

    async fn bounded<T>(&mut self, call: impl AsyncFnOnce(&mut PgConnection) -> sqlx::Result<T>) -> Result<T> {
        let result = match timeout(STATEMENT, call(&mut self.inner)).await {
            Ok(result) => result.map_err(told),
            Err(late) => Err(Error::Away(Arc::new(late))),
        };
        // One that takes no writes may have been the one that does, before another took over: a new connection finds that.
        result.inspect_err(|error| {
            self.broken |= error.ends_connection() || matches!(error, Error::ReadOnly(_));
            self.part = if self.part == Part::Open { Part::Spoiled } else { self.part };
        })
    }

    /// Says goodbye to the server, if it listens.
    pub(super) async fn close(self) {
        let _ = timeout(Duration::from_secs(1), self.inner.close()).await;
    }
}

fn prepared(query: &Query) -> sqlx::query::Query<'_, sqlx::Postgres, PgArguments> {
    let mut prepared = sqlx::query(AssertSqlSafe(query.text.as_ref().to_owned()));
    for value in &query.values {
        prepared = match value {
            Value::Text(text) => prepared.bind(text.as_deref()),
            Value::Number(number) => prepared.bind(*number),
        };
    }
    prepared
}
