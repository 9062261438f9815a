//! Wake-ups by way of the store's server: `LISTEN` and `NOTIFY` of PostgreSQL, on one channel, with the sleeper's name.
//!
//! Each side has a connection of its own and a task that makes it anew when it is lost. Engines that speak the protocol but
//! know no `NOTIFY` are told apart by their answer; there polling alone is right.

use std::{
    collections::BTreeSet,
    future::Future,
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::{
    ConnectOptions, PgConnection,
    postgres::{PgListener, PgPoolOptions},
};
use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::Sleeper;
use crate::{chain::chain, store::PostgresLocation};

const CHANNEL: &str = "ashlar";
/// Names that wait to be rung, at most. One more is left to polling.
const WAITING: usize = 1024;
/// No statement here takes a hundredth of this.
const PATIENCE: Duration = Duration::from_secs(10);
/// After so long a silence the listener asks whether the server still is there.
const SILENCE: Duration = Duration::from_secs(60);
/// Pauses before a lost connection is made again grow from the first to the second.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));
/// Wake-ups must not wait for the disk: what they speak of is durable already.
const SETTINGS: [(&str, &str); 1] = [("synchronous_commit", "off")];
/// "Not supported" and "no such function": https://www.postgresql.org/docs/current/errcodes-appendix.html
const UNKNOWN: [&str; 3] = ["0A000", "42883", "42601"];

/// Rings by way of the server.
#[derive(Clone, Debug)]
pub(super) struct Ringer {
    waiting: Arc<Waiting>,
    _task: Arc<Task>,
}

/// Hears what is rung by way of the server.
#[derive(Debug)]
pub(super) struct Listener {
    rung: Arc<Notify>,
    _task: Task,
}

/// Names that are to be rung, each once however often it was asked for.
#[derive(Debug, Default)]
struct Waiting {
    names: Mutex<BTreeSet<String>>,
    more: Notify,
}

/// Ends when dropped.
#[derive(Debug)]
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Ringer {
    pub(super) fn start(location: PostgresLocation) -> Self {
        let waiting = Arc::new(Waiting::default());
        let names = Arc::clone(&waiting);
        let task = tokio::spawn(async move { keep("rung", || pass_on(&location, &names)).await });
        Self { waiting, _task: Arc::new(Task(task)) }
    }

    pub(super) fn ring(&self, sleeper: &Sleeper) {
        let mut names = self.waiting.names();
        if names.len() < WAITING {
            names.insert(name(sleeper));
        }
        drop(names);
        self.waiting.more.notify_one();
    }
}

impl Listener {
    pub(super) fn start(location: PostgresLocation, sleeper: &Sleeper) -> Self {
        let (rung, name) = (Arc::new(Notify::new()), name(sleeper));
        let heard = Arc::clone(&rung);
        let task = tokio::spawn(async move { keep("heard", || listen(&location, &name, &heard)).await });
        Self { rung, _task: Task(task) }
    }

    pub(super) async fn heard(&self) {
        self.rung.notified().await;
    }
}

impl Waiting {
    fn names(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name(sleeper: &Sleeper) -> String {
    match sleeper {
        Sleeper::Api => "api".to_owned(),
        Sleeper::Host(backend) => format!("host/{backend}"),
    }
}

/// Does it again whenever it fails, for as long as the server can do it at all.
async fn keep<F: Future<Output = sqlx::Error>>(what: &'static str, work: impl Fn() -> F) {
    let mut pause = PAUSE.0;
    loop {
        let began = tokio::time::Instant::now();
        let error = work().await;
        let code = error.as_database_error().and_then(|told| told.code()).map(|code| code.to_string());
        if code.is_some_and(|code| UNKNOWN.contains(&code.as_str())) {
            tracing::info!(error = chain(&error), "the store's server passes no wake-ups on; polling alone it is");
            return;
        }
        tracing::warn!(error = chain(&error), "wake-ups by way of the store's server are not {what}; trying again");
        pause = if began.elapsed() > PAUSE.1 { PAUSE.0 } else { (pause * 2).min(PAUSE.1) };
        sleep(pause).await;
    }
}

async fn bounded<T>(call: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    timeout(PATIENCE, call).await.unwrap_or_else(|late| Err(sqlx::Error::Io(late.into())))
}

async fn pass_on(location: &PostgresLocation, waiting: &Waiting) -> sqlx::Error {
    let connected = async {
        let options = location.options().map_err(|error| sqlx::Error::Configuration(Box::new(error)))?;
        bounded(options.options(SETTINGS).connect()).await
    };
    let mut connection: PgConnection = match connected.await {
        Ok(connection) => connection,
        Err(error) => return error,
    };
    loop {
        let names = mem::take(&mut *waiting.names());
        if names.is_empty() {
            waiting.more.notified().await;
            continue;
        }
        for name in names {
            let ring = sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(name);
            if let Err(error) = bounded(ring.execute(&mut connection)).await {
                return error;
            }
        }
    }
}

async fn listen(location: &PostgresLocation, name: &str, rung: &Notify) -> sqlx::Error {
    match hear(location, name, rung).await {
        Ok(()) => sqlx::Error::Io(std::io::Error::other("the connection was lost")),
        Err(error) => error,
    }
}

/// Hears until the connection is lost.
async fn hear(location: &PostgresLocation, name: &str, rung: &Notify) -> sqlx::Result<()> {
    let options = location.options().map_err(|error| sqlx::Error::Configuration(Box::new(error)))?;
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
    let mut listener = bounded(PgListener::connect_with(&pool)).await?;
    bounded(listener.listen(CHANNEL)).await?;
    // Nobody knows what was rung before.
    rung.notify_one();
    loop {
        match timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(told))) if told.payload() == name => rung.notify_one(),
            Ok(Ok(Some(_))) => {}
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                bounded(sqlx::query("SELECT 1").execute(&mut listener)).await?;
            }
        }
    }
}
