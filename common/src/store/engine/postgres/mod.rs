//! PostgreSQL, and what speaks its protocol and its plain SQL.
//!
//! Each answer that is waited for costs a change of processes twice, more than most statements take. So those whose answer
//! nobody needs at once are only sent, and those that need one are sent together with them ([`Postgres::later`]).

mod told;
pub(crate) mod wire;

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::timeout;
use tokio_postgres::{
    Config, Statement,
    types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked},
};

use self::{
    told::{is_lost, told},
    wire::{Answer, Wire, asked},
};
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
/// Statements that a connection keeps prepared: more than the store has, without those whose text depends on a filter.
const STATEMENTS: usize = 256;
/// Of a machine that says nothing, from our side.
const KEEPALIVE: Duration = Duration::from_secs(15);
/// What the server itself bounds, in milliseconds: a statement, the wait for a lock, and a transaction whose client has
/// gone silent, which would otherwise keep all other writers waiting. In seconds: when it asks a client that says
/// nothing whether its machine is there.
const SETTINGS: [&str; 6] = [
    "statement_timeout=30000",
    "lock_timeout=25000",
    "idle_in_transaction_session_timeout=10000",
    "tcp_keepalives_idle=15",
    "tcp_keepalives_interval=5",
    "tcp_keepalives_count=3",
];

/// A connection to a server.
#[derive(Debug)]
pub(in crate::store) struct Postgres {
    wire: Box<Wire>,
    prepared: HashMap<String, Statement>,
    /// Answers that nobody has waited for yet, in the order of their requests.
    later: Later,
    broken: bool,
    /// The server has gone, or has put this connection out.
    lost: bool,
    /// Somebody waited for an answer and gave up: what became of the request was not heard.
    given_up: bool,
    part: Part,
    /// Which of the two names the part has. The next has the other, so that undoing one that the server never began cannot
    /// undo the one before, which its maker was told is kept.
    odd: bool,
}

#[derive(Default)]
struct Later(Vec<Answer<()>>);

impl std::fmt::Debug for Later {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Later").field(&self.0.len()).finish()
    }
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
    let more: &[&str] = if role == Role::Reader { &["default_transaction_read_only=on"] } else { &[] };
    let config = location.settings(more)?;
    let wire = match timeout(CONNECT, Wire::connect(&config)).await {
        Ok(Ok(wire)) => wire,
        Ok(Err(error)) => return Err(Error::Away(Arc::new(error))),
        Err(late) => return Err(Error::Away(Arc::new(late))),
    };
    Ok(Postgres {
        wire: Box::new(wire),
        prepared: HashMap::new(),
        later: Later::default(),
        broken: false,
        lost: false,
        given_up: false,
        part: Part::None,
        odd: false,
    })
}

impl PostgresLocation {
    /// What a connection is made with, also one that carries wake-ups; with `more` settings of the server for it.
    pub(crate) fn settings(&self, more: &[&str]) -> Result<Config> {
        let unusable = |source| Error::File { path: "the store's password file".to_owned(), source: Arc::new(source) };
        let mut config: Config = self.url.parse().map_err(|error| Error::Away(Arc::new(error)))?;
        if let Some(path) = &self.password_file {
            let text = std::fs::read_to_string(path).map_err(unusable)?;
            config.password(text.lines().next().unwrap_or_default());
        }
        let own = SETTINGS.iter().chain(more).flat_map(|setting| ["-c", *setting]);
        let options: Vec<&str> = config.get_options().into_iter().chain(own).collect();
        let options = options.join(" ");
        config.options(options).application_name("ashlar").keepalives_idle(KEEPALIVE);
        Ok(config)
    }
}

impl Postgres {
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    /// Whether the server has gone, or has put this connection out: a new one may do.
    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Whether a request may still be at work whose answer nobody waits for.
    pub(super) fn is_given_up(&self) -> bool {
        self.given_up
    }

    pub(super) async fn step(&mut self, step: Step) -> Result<()> {
        if step == Step::BeginPart {
            self.odd = !self.odd;
        }
        let text = match (step, self.part, self.odd) {
            (Step::BeginRead, ..) => "BEGIN ISOLATION LEVEL REPEATABLE READ",
            // The row's lock is the turn: held until the transaction ends, by whichever process of whichever machine.
            (Step::BeginWrite, ..) => "BEGIN; UPDATE turn SET number = number + 1 WHERE id = 1",
            (Step::BeginPart, Part::Kept, true) => "RELEASE SAVEPOINT even; SAVEPOINT odd",
            (Step::BeginPart, Part::Kept, false) => "RELEASE SAVEPOINT odd; SAVEPOINT even",
            (Step::BeginPart, _, true) => "SAVEPOINT odd",
            (Step::BeginPart, _, false) => "SAVEPOINT even",
            (Step::EndPart, _, true) => "RELEASE SAVEPOINT odd",
            (Step::EndPart, _, false) => "RELEASE SAVEPOINT even",
            (Step::UndoPart, _, true) => "ROLLBACK TO SAVEPOINT odd; RELEASE SAVEPOINT odd",
            (Step::UndoPart, _, false) => "ROLLBACK TO SAVEPOINT even; RELEASE SAVEPOINT even",
            (Step::Undo, ..) => "ROLLBACK",
            (Step::BeginSchema, ..) => "BEGIN; UPDATE schema_changes SET name = name WHERE number = 0",
            (Step::EndSchema, ..) => "COMMIT",
        };
        match step {
            Step::BeginPart => {
                self.ask_later(text);
                self.part = Part::Open;
                return Ok(());
            }
            Step::EndPart => {
                self.settle().await?;
                if self.part == Part::Open {
                    self.part = Part::Kept;
                    return Ok(());
                }
            }
            // Whatever became of what is undone, as long as the connection is good.
            Step::UndoPart | Step::Undo => {
                self.given_up = false;
                let settled = self.settle().await;
                if self.broken {
                    return settled;
                }
            }
            _ => {}
        }
        self.script(text).await?;
        self.part = Part::None;
        Ok(())
    }

    /// Makes the transaction durable, with a mark by which it is found again if the answer gets lost.
    pub(super) async fn commit(&mut self, mark: uuid::Uuid) -> Result<()> {
        let script = format!(
            "INSERT INTO commits (mark, number) SELECT '{}', number FROM turn WHERE id = 1; COMMIT",
            mark.as_hyphenated()
        );
        self.script(&script).await?;
        self.part = Part::None;
        Ok(())
    }

    pub(super) async fn execute(&mut self, query: &Query) -> Result<u64> {
        let statement = self.prepared(query).await?;
        let client = Arc::clone(self.wire.client());
        self.answer(async move { client.execute(&statement, &parameters(&query.values)).await }).await
    }

    /// Sends a statement without waiting for what becomes of it. An error of it comes with what is waited for next; before
    /// a transaction is committed, all of it has been waited for ([`Postgres::settle`]).
    pub(super) async fn later(&mut self, query: Query) -> Result<()> {
        let statement = self.prepared(&query).await?;
        let client = Arc::clone(self.wire.client());
        self.later.0.push(asked(async move { client.execute(&statement, &parameters(&query.values)).await.map(drop) }));
        Ok(())
    }

    /// Waits for the answers of all that was sent without waiting.
    pub(super) async fn settle(&mut self) -> Result<()> {
        self.answer(async { Ok(()) }).await
    }

    pub(super) async fn fetch<T>(
        &mut self,
        query: &Query,
        mut from_row: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let statement = self.prepared(query).await?;
        let client = Arc::clone(self.wire.client());
        let rows = self.answer(async move { client.query(&statement, &parameters(&query.values)).await }).await?;
        rows.iter().map(|row| from_row(&Row::postgres(row))).collect()
    }

    pub(super) async fn script(&mut self, script: &str) -> Result<()> {
        let client = Arc::clone(self.wire.client());
        self.answer(async move { client.batch_execute(script).await }).await
    }

    fn ask_later(&mut self, script: &'static str) {
        let client = Arc::clone(self.wire.client());
        self.later.0.push(asked(async move { client.batch_execute(script).await }));
    }

    async fn prepared(&mut self, query: &Query) -> Result<Statement> {
        if let Some(statement) = self.prepared.get(query.text.as_ref()) {
            return Ok(statement.clone());
        }
        let (client, text) = (Arc::clone(self.wire.client()), query.text.clone().into_owned());
        let types: Vec<Type> = query.values.iter().map(kind).collect();
        let asked = text.clone();
        let statement = self.answer(async move { client.prepare_typed(&asked, &types).await }).await?;
        if self.prepared.len() >= STATEMENTS {
            self.prepared.clear();
        }
        self.prepared.insert(text, statement.clone());
        Ok(statement)
    }

    /// Sends a request behind those that were only sent, and waits for the answers of them all; the first error counts,
    /// since what comes after it fails because of it.
    async fn answer<T>(
        &mut self,
        request: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        if std::mem::replace(&mut self.given_up, true) {
            self.broken = true;
            return Err(Error::Away(Arc::new(std::io::Error::other("an answer was not waited for"))));
        }
        let (wire, earlier) = (&mut self.wire, std::mem::take(&mut self.later.0));
        let result = timeout(STATEMENT, wire.until(all(earlier, request))).await;
        let result = match result {
            Ok(result) => result.map_err(|error| {
                self.lost |= is_lost(&error);
                told(error)
            }),
            Err(late) => Err(Error::Away(Arc::new(late))),
        };
        self.given_up = false;
        // One that takes no writes may have been the one that does, before another took over: a new connection finds that.
        result.inspect_err(|error| {
            self.broken |= error.ends_connection() || matches!(error, Error::ReadOnly(_));
            self.part = if self.part == Part::Open { Part::Spoiled } else { self.part };
        })
    }

    /// Says goodbye to the server, if it listens.
    pub(super) async fn close(self) {
        let Self { wire, prepared, later, .. } = self;
        drop((prepared, later));
        let _ = timeout(Duration::from_secs(1), wire.close()).await;
    }
}

/// All answers, in order.
async fn all<T>(
    earlier: Vec<Answer<()>>,
    last: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
) -> std::result::Result<T, tokio_postgres::Error> {
    let mut last = std::pin::pin!(last);
    let mut ready = None;
    // Sent with the others, before any answer is waited for.
    std::future::poll_fn(|context| {
        if let std::task::Poll::Ready(outcome) = last.as_mut().poll(context) {
            ready = Some(outcome);
        }
        std::task::Poll::Ready(())
    })
    .await;
    let mut outcome = Ok(());
    for answer in earlier {
        outcome = outcome.and(answer.await);
    }
    let last = match ready {
        Some(ready) => ready,
        None => last.await,
    };
    outcome.and(last)
}

fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

/// Told to the server, which would otherwise guess from the statement.
fn kind(value: &Value) -> Type {
    match value {
        Value::Text(_) => Type::TEXT,
        Value::Number(_) => Type::INT8,
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Text(text) => text.to_sql(kind, out),
            Self::Number(number) => number.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [Type::TEXT, Type::INT8].contains(kind)
    }

    to_sql_checked!();
}
