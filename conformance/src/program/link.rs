//! The suite's end of a conversation with a program: calls that wait for their reply.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ashlar_common::{
    driver::{ConnectionInfo, Error, Kind, OpCtx, Result},
    host::calls::{Call, Greeting, REQUEST_BYTES, Reply, Request},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// A case makes fewer attachments.
const MOST_CONNECTIONS: usize = 4096;

/// One program. Shared by the driver, by the life of its host and by whoever keeps the process.
pub(super) struct Link {
    pub(super) greeting: Greeting,
    /// Asks the keeper to kill the process.
    pub(super) kill: CancellationToken,
    /// Fires when the process is dead and reaped.
    pub(super) dead: CancellationToken,
    requests: mpsc::Sender<Vec<u8>>,
    room: Arc<Semaphore>,
    next: AtomicU64,
    grace: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    calls: HashMap<u64, Waiting>,
    end: Option<End>,
    /// What clients were told, each once.
    connections: Vec<ConnectionInfo>,
}

/// A call that the program owes a reply.
struct Waiting {
    /// Who waits; nobody any more where the caller was dropped.
    caller: Option<(OpCtx, oneshot::Sender<Answer>)>,
    _room: OwnedSemaphorePermit,
}

type Answer = std::result::Result<Value, Error>;

/// Why there are no more calls.
#[derive(Clone, Debug)]
enum End {
    /// The suite killed it.
    Killed,
    /// The program did wrong.
    Fault(String),
}

impl Link {
    pub(super) fn new(greeting: Greeting, requests: mpsc::Sender<Vec<u8>>, grace: Duration) -> Arc<Self> {
        let room = Arc::new(Semaphore::new(greeting.max_calls as usize));
        Arc::new(Self {
            greeting,
            kill: CancellationToken::new(),
            dead: CancellationToken::new(),
            requests,
            room,
            next: AtomicU64::new(1),
            grace,
            state: Mutex::default(),
        })
    }

    /// What the program did wrong, if it did.
    pub(super) fn fault(&self) -> Option<String> {
        match &self.state().end {
            Some(End::Fault(what)) => Some(what.clone()),
            Some(End::Killed) | None => None,
        }
    }

    /// Keeps what a client was told.
    pub(super) fn told(&self, connection: &ConnectionInfo) {
        let connections = &mut self.state().connections;
        if !connections.contains(connection) && connections.len() < MOST_CONNECTIONS {
            connections.push(connection.clone());
        }
    }

    /// What clients were told.
    pub(super) fn connections(&self) -> Vec<ConnectionInfo> {
        self.state().connections.clone()
    }

    /// Makes a call, and waits for its reply no longer than its context and some grace.
    pub(super) async fn call<T: DeserializeOwned>(self: &Arc<Self>, ctx: &OpCtx, call: Call) -> Result<T> {
        ctx.check()?;
        let name = name(&call);
        let room = ctx.bounded(Arc::clone(&self.room).acquire_owned()).await?;
        let room = room.map_err(|_closed| Error::new(Kind::Unavailable, "the program is gone"))?;
        let (ticket, answer) = self.register(ctx, room)?;
        let limit = ctx.deadline().saturating_duration_since(Instant::now());
        let request = Request::Call { id: ticket.id, op: ctx.op(), limit, call: Box::new(call) }.write();
        if request.len() > REQUEST_BYTES {
            return Err(Error::new(
                Kind::Invalid,
                format!("the arguments of `{name}` are longer than a request may be"),
            ));
        }
        let asked = Instant::now();
        let until = ctx.deadline() + self.grace;
        let _program_gone = tokio::time::timeout_at(until, self.requests.send(request)).await;
        let value = match self.wait(ctx, ticket.id, answer).await {
            Some(answer) => answer?,
            None => return Err(self.hangs(&name, asked)),
        };
        serde_json::from_value(value).map_err(|error| {
            let what = format!("the program answered `{name}` with something else than it answers: {error}");
            self.end(End::Fault(what.clone()));
            Error::new(Kind::Fatal, what)
        })
    }

    /// The answer; none where it did not come in time.
    async fn wait(&self, ctx: &OpCtx, id: u64, answer: oneshot::Receiver<Answer>) -> Option<Answer> {
        tokio::pin!(answer);
        tokio::select! {
            biased;
            answer = &mut answer => return Some(self.received(answer)),
            () = ctx.cancel().cancelled() => {
                // Where the queue is full, the program does not read, and its time is soon up.
                let _full = self.requests.try_send(Request::Cancel(id).write());
            }
            () = tokio::time::sleep_until(ctx.deadline()) => {}
        }
        tokio::time::timeout(self.grace, answer).await.ok().map(|answer| self.received(answer))
    }

    fn received(&self, answer: std::result::Result<Answer, oneshot::error::RecvError>) -> Answer {
        answer.unwrap_or_else(|_dropped| Err(self.ended(Kind::Indeterminate)))
    }

    fn hangs(&self, name: &str, asked: Instant) -> Error {
        let seconds = asked.elapsed().as_secs_f64();
        let what = format!(
            "the program hangs: no reply to `{name}` after {seconds:.1} s, {:.1} s past its limit or cancellation",
            self.grace.as_secs_f64()
        );
        self.end(End::Fault(what.clone()));
        Error::new(Kind::Indeterminate, what)
    }

    fn register(
        self: &Arc<Self>,
        ctx: &OpCtx,
        room: OwnedSemaphorePermit,
    ) -> Result<(Ticket, oneshot::Receiver<Answer>)> {
        let (sender, receiver) = oneshot::channel();
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut state = self.state();
        if state.end.is_some() {
            drop(state);
            return Err(self.ended(Kind::Unavailable));
        }
        state.calls.insert(id, Waiting { caller: Some((ctx.clone(), sender)), _room: room });
        Ok((Ticket { link: Arc::clone(self), id }, receiver))
    }

    /// Gives a line of the program to the call that it is about.
    pub(super) fn take(&self, line: &[u8]) {
        let fault = match Reply::read(line) {
            Err(why) => format!("the program printed what is no reply ({why}): {}", shown(line)),
            Ok(reply) => match self.deliver(reply) {
                Ok(()) => return,
                Err(why) => why,
            },
        };
        self.end(End::Fault(fault));
    }

    fn deliver(&self, reply: Reply) -> std::result::Result<(), String> {
        let mut state = self.state();
        let id = reply.id();
        if let Reply::Progress(id, progress) = reply {
            let waiting = state.calls.get(&id).ok_or_else(|| unknown(id))?;
            if let Some((ctx, _)) = &waiting.caller {
                ctx.report(progress);
            }
            return Ok(());
        }
        let waiting = state.calls.remove(&id).ok_or_else(|| unknown(id))?;
        drop(state);
        let answer = match reply {
            Reply::Answer(_, value) => Ok(value),
            Reply::Error(_, kind, message) => Err(Error::new(kind, message)),
            Reply::Progress(..) => return Ok(()),
        };
        if let Some((_, sender)) = waiting.caller {
            let _caller_gone = sender.send(answer);
        }
        Ok(())
    }

    /// No more calls: the program did wrong.
    pub(super) fn fail(&self, what: String) {
        self.end(End::Fault(what));
    }

    /// No more calls: the host is to be killed.
    pub(super) fn kill(&self) {
        self.end(End::Killed);
    }

    /// The first end is the one that counts. Calls that wait learn of it.
    fn end(&self, end: End) {
        let calls = {
            let mut state = self.state();
            state.end.get_or_insert(end);
            std::mem::take(&mut state.calls)
        };
        drop(calls);
        self.kill.cancel();
    }

    fn ended(&self, kind: Kind) -> Error {
        match &self.state().end {
            Some(End::Fault(what)) => Error::new(kind, what.clone()),
            Some(End::Killed) | None => Error::new(kind, "the host was killed"),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that its caller waits for. Dropped before the answer, it is cancelled, and its answer expected all the same.
struct Ticket {
    link: Arc<Link>,
    id: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let waits = self.link.state().calls.get_mut(&self.id).map(|call| call.caller = None).is_some();
        if waits {
            let _full = self.link.requests.try_send(Request::Cancel(self.id).write());
        }
    }
}

fn unknown(id: u64) -> String {
    format!("the program replied to call {id}, which is not under way")
}

/// The call's name, as in requests.
fn name(call: &Call) -> String {
    let written = serde_json::to_value(call).unwrap_or_default();
    written.get("call").and_then(Value::as_str).unwrap_or("?").to_owned()
}

/// The beginning of a line, for people.
pub(super) fn shown(line: &[u8]) -> String {
    const MOST: usize = 120;
    let text = String::from_utf8_lossy(line);
    let short: String = text.chars().take(MOST).collect();
    if short.len() < text.len() { format!("{short:?} ...") } else { format!("{short:?}") }
}
