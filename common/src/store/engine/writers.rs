//! Transactions that write: one at a time, with durable commits that they share.
//!
//! A commit costs what the disk takes to be sure, and all else a transaction does is small beside it. So those that come
//! while one is under way are done one after the other within one transaction of the engine, each in a part that can be
//! undone alone, and a single commit makes all of them durable. Whoever ends last sees to it; nobody waits for
//! company, so a lone client is as quick as before. Nobody hears of success before the shared commit is done.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::oneshot;

use super::{
    Connection,
    batch::{Slot, closed},
    commit::commit,
    connection::Step,
    location::Location,
    turn::Turns,
    undivided::undivided,
};
use crate::store::error::{Error, Result};

/// Transactions that may wait. More would wait longer than their clients do.
const QUEUE: usize = 1024;
/// No transaction takes a thousandth of this; who waits longer waits for a process or a disk that hangs.
const PATIENCE: Duration = Duration::from_secs(30);
/// The queue of one process.
#[derive(Clone, Debug)]
pub(in crate::store) struct Writers(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    location: Location,
    /// Between the processes of one machine; PostgreSQL sees to that by itself.
    turns: Option<Turns>,
    state: Mutex<State>,
    counts: Counts,
    /// Why nothing can be written, since when nothing was.
    trouble: Mutex<Option<Error>>,
}

/// What was done since the process began.
#[derive(Debug, Default)]
struct Counts {
    transactions: AtomicU64,
    commits: AtomicU64,
}

#[derive(Debug)]
struct State {
    queue: VecDeque<oneshot::Sender<Lease>>,
    /// Here while nobody writes.
    slot: Option<Slot>,
    closed: bool,
}

/// The right to write. Goes to the next in line when dropped.
#[derive(Debug)]
struct Lease {
    shared: Arc<Shared>,
    slot: Option<Slot>,
}

/// A transaction that writes; undone when dropped.
#[derive(Debug)]
pub(in crate::store) struct Writing {
    lease: Lease,
    /// It is a part of a transaction that others share.
    part: bool,
    ended: bool,
}

impl Writers {
    pub(in crate::store) fn new(location: Location, turns: Option<Turns>) -> Self {
        let state = State { queue: VecDeque::new(), slot: Some(Slot::default()), closed: false };
        Self(Arc::new(Shared {
            location,
            turns,
            state: Mutex::new(state),
            counts: Counts::default(),
            trouble: Mutex::default(),
        }))
    }

    /// Begins a transaction when its turn comes.
    pub(in crate::store) async fn begin(&self) -> Result<Writing> {
        tokio::time::timeout(PATIENCE, async {
            let lease = self.lease().await?;
            let shared = Arc::clone(&self.0);
            let open = async move {
                let mut writing = Writing { lease, part: false, ended: true };
                writing.open(&shared).await?;
                Ok(writing)
            };
            undivided(&self.0.location, open).await
        })
        .await
        .unwrap_or(Err(Error::Busy))
        .inspect_err(|error| self.0.note(Some(error)))
    }

    /// Why nothing can be written, if so it was when it was last tried.
    pub(in crate::store) fn trouble(&self) -> Option<Error> {
        self.0.trouble().clone()
    }

    /// How many transactions wait.
    pub(in crate::store) fn waiting(&self) -> usize {
        self.0.state().queue.len()
    }

    /// How many transactions ended well, and with how many commits.
    pub(in crate::store) fn counts(&self) -> (u64, u64) {
        let Counts { transactions, commits } = &self.0.counts;
        (transactions.load(Ordering::Relaxed), commits.load(Ordering::Relaxed))
    }

    async fn lease(&self) -> Result<Lease> {
        let receiver = {
            let mut state = self.0.state();
            if state.closed {
                return Err(closed());
            }
            if let Some(slot) = state.slot.take() {
                return Ok(Lease { shared: Arc::clone(&self.0), slot: Some(slot) });
            }
            if state.queue.len() >= QUEUE {
                state.queue.retain(|waiting| !waiting.is_closed());
            }
            if state.queue.len() >= QUEUE {
                return Err(Error::Overloaded);
            }
            let (sender, receiver) = oneshot::channel();
            state.queue.push_back(sender);
            receiver
        };
        receiver.await.map_err(|_| closed())
    }

    /// Lets nobody begin any more and waits for those under way.
    pub(in crate::store) async fn close(&self) {
        self.0.state().closed = true;
        let Ok(mut lease) = tokio::time::timeout(PATIENCE, async {
            loop {
                let slot = self.0.state().slot.take();
                if let Some(slot) = slot {
                    return Lease { shared: Arc::clone(&self.0), slot: Some(slot) };
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await
        else {
            return;
        };
        // Not handed on: there is nobody.
        if let Some(Connection::Postgres(postgres)) = lease.slot.take().and_then(|slot| slot.connection) {
            postgres.close().await;
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn trouble(&self) -> MutexGuard<'_, Option<Error>> {
        self.trouble.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Keeps in mind why writing failed, or that it went well.
    fn note(&self, error: Option<&Error>) {
        if error.is_none_or(Error::stops_all) {
            *self.trouble() = error.cloned();
        }
    }

    /// Hands the slot to the next in line, or commits what is open, or lays it down.
    fn pass_on(self: &Arc<Self>, mut slot: Slot) {
        let mut state = self.state();
        if !slot.is_full() {
            while let Some(next) = state.queue.pop_front() {
                let Err(mut lease) = next.send(Lease { shared: Arc::clone(self), slot: Some(slot) }) else { return };
                slot = lease.slot.take().expect("it came back as it went");
            }
        }
        if slot.open.is_none() && slot.undo.is_none() {
            state.slot = Some(slot);
            return;
        }
        drop(state);
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(finish(Arc::clone(self), slot))),
            // Without a runtime nobody waits either; closing the connection undoes what was open.
            Err(_) => self.state().slot = Some(Slot::default()),
        }
    }
}

/// Commits what is open, tells everybody who shares it, and hands on.
async fn finish(shared: Arc<Shared>, mut slot: Slot) {
    // Cannot fail: where undoing fails, the connection is given up and those who shared it are told.
    let _ = slot.undo().await;
    if let Some(batch) = slot.open.take() {
        let outcome = match slot.connection.take() {
            Some(connection) => {
                let (kept, outcome) = commit(&shared.location, connection).await;
                slot.connection = kept;
                outcome
            }
            None => Err(closed()),
        };
        drop(batch.turn);
        shared.note(outcome.as_ref().err());
        if outcome.is_ok() {
            let ended = u64::try_from(batch.ended.len()).unwrap_or(u64::MAX);
            shared.counts.transactions.fetch_add(ended, Ordering::Relaxed);
            shared.counts.commits.fetch_add(1, Ordering::Relaxed);
        }
        for ended in batch.ended {
            let _ = ended.send(outcome.clone());
        }
    }
    shared.pass_on(slot);
}

impl Lease {
    fn slot(&mut self) -> &mut Slot {
        self.slot.as_mut().expect("there until dropped")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            let shared = Arc::clone(&self.shared);
            shared.pass_on(slot);
        }
    }
}

impl Writing {
    async fn open(&mut self, shared: &Shared) -> Result<()> {
        let slot = self.lease.slot();
        slot.undo().await?;
        if slot.open.is_none() {
            slot.begin(&shared.location, shared.turns.as_ref()).await?;
            self.ended = false;
            return Ok(());
        }
        (self.part, self.ended) = (true, false);
        let connection = slot.connection.as_mut().ok_or_else(closed)?;
        connection.step(Step::BeginPart).await
    }

    pub(in crate::store) fn connection(&mut self) -> Result<&mut Connection> {
        self.lease.slot().connection.as_mut().ok_or_else(closed)
    }

    /// Waits until it is durable.
    pub(in crate::store) async fn commit(self) -> Result<()> {
        let shared = Arc::clone(&self.lease.shared);
        let receiver = undivided(&shared.location, self.end()).await?;
        receiver.await.unwrap_or(Err(Error::Unknown))
    }

    /// Lets the shared commit have what this transaction did; the answer tells when it is durable.
    async fn end(mut self) -> Result<oneshot::Receiver<Result<()>>> {
        match self.part {
            true => self.connection()?.step(Step::EndPart).await?,
            false => self.connection()?.settle().await?,
        }
        let (sender, receiver) = oneshot::channel();
        let batch = self.lease.slot().open.as_mut().ok_or_else(closed)?;
        batch.ended.push(sender);
        self.ended = true;
        Ok(receiver)
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let step = if self.part { Step::UndoPart } else { Step::Undo };
        let Some(slot) = self.lease.slot.as_mut() else { return };
        let undone = slot.connection.as_mut().is_some_and(|connection| connection.undo_now(step));
        if !undone {
            slot.undo = Some(step);
        } else if step == Step::Undo {
            slot.open = None;
        }
    }
}
