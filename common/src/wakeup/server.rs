//! Wake-ups by way of the store's server: `LISTEN` and `NOTIFY` of PostgreSQL, on one channel, with the sleeper's name.
//!
//! Each side has a connection of its own and a task that makes it anew when it is lost. Engines that speak the protocol but
//! know no `NOTIFY` are told apart by their answer; there polling alone is right.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    future::Future,
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_postgres::types::Type;

use super::Sleeper;
use crate::{
    chain::chain,
    store::{self, PostgresLocation, Wire},
};

const CHANNEL: &str = "ashlar";
const LISTEN: &str = "LISTEN ashlar";
/// Names that wait to be rung, at most. One more is left to polling.
const WAITING: usize = 1024;
/// No statement here takes a hundredth of this.
const PATIENCE: Duration = Duration::from_secs(10);
/// After so long a silence the listener asks whether the server still is there.
const SILENCE: Duration = Duration::from_secs(60);
/// Pauses before a lost connection is made again grow from the first to the second.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));
/// Wake-ups must not wait for the disk: what they speak of is durable already.
const SETTINGS: [&str; 1] = ["synchronous_commit=off"];
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

/// Why wake-ups stopped.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the store's server cannot be reached")]
    Server(#[from] tokio_postgres::Error),
    #[error(transparent)]
    Settings(#[from] store::Error),
    #[error("the store's server does not answer")]
    Silent,
    #[error("the connection was lost")]
    Lost,
}

/// Does it again whenever it fails, for as long as the server can do it at all.
async fn keep<F: Future<Output = Trouble>>(what: &'static str, work: impl Fn() -> F) {
    let mut pause = PAUSE.0;
    loop {
        let began = tokio::time::Instant::now();
        let error = work().await;
        if let Trouble::Server(said) = &error
            && said.code().is_some_and(|code| UNKNOWN.contains(&code.code()))
        {
            tracing::info!(error = chain(&error), "the store's server passes no wake-ups on; polling alone it is");
            return;
        }
        tracing::warn!(error = chain(&error), "wake-ups by way of the store's server are not {what}; trying again");
        pause = if began.elapsed() > PAUSE.1 { PAUSE.0 } else { (pause * 2).min(PAUSE.1) };
        sleep(pause).await;
    }
}

async fn bounded<T>(call: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Trouble> {
    Ok(timeout(PATIENCE, call).await.map_err(|_| Trouble::Silent)??)
}

async fn pass_on(location: &PostgresLocation, waiting: &Waiting) -> Trouble {
    match ring_all(location, waiting).await {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

/// Rings what is to be rung, all that came together by one message, until the connection is lost.
async fn ring_all(location: &PostgresLocation, waiting: &Waiting) -> Result<Infallible, Trouble> {
    let mut wire = bounded(Wire::connect(&location.settings(&SETTINGS)?)).await?;
    let client = Arc::clone(wire.client());
    let text = "SELECT pg_notify($1, name) FROM unnest($2::text[]) AS name";
    let ring = bounded(wire.until(client.prepare_typed(text, &[Type::TEXT, Type::TEXT_ARRAY]))).await?;
    loop {
        let names: Vec<String> = mem::take(&mut *waiting.names()).into_iter().collect();
        if names.is_empty() {
            waiting.more.notified().await;
            continue;
        }
        if let Err(error) = bounded(wire.until(client.execute(&ring, &[&CHANNEL, &names]))).await {
            waiting.names().extend(names);
            return Err(error);
        }
    }
}

async fn listen(location: &PostgresLocation, name: &str, rung: &Notify) -> Trouble {
    match hear(location, name, rung).await {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

/// Hears until the connection is lost.
async fn hear(location: &PostgresLocation, name: &str, rung: &Notify) -> Result<Infallible, Trouble> {
    let mut wire = bounded(Wire::connect(&location.settings(&[])?)).await?;
    let client = Arc::clone(wire.client());
    bounded(wire.until(client.batch_execute(LISTEN))).await?;
    // Nobody knows what was rung before.
    rung.notify_one();
    loop {
        match timeout(SILENCE, wire.heard()).await {
            Ok(Some(told)) if told == name => rung.notify_one(),
            Ok(Some(_)) => {}
            Ok(None) => return Err(Trouble::Lost),
            Err(_) => bounded(wire.until(client.batch_execute("SELECT 1"))).await?,
        }
    }
}
