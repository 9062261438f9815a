//! One connection: whom it waits for, and since when.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

use super::pace::{Limits, Pace};

/// Nobody is closed for others' sake who was waited for no longer; an honest client needs no more in the midst of a request.
const EXCUSED: Duration = Duration::from_secs(1);

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Nothing of a request has come.
    Idle,
    /// Some of a head has.
    Head,
    /// A body is awaited.
    Body,
    /// The client waits for us.
    Working,
    /// The answer is made, and not all of it written.
    Answering,
}

/// What a client was too slow with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overdue {
    /// To ask something.
    Request,
    /// To send the rest of a head.
    Head,
    /// To read an answer.
    Reading,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    since: Instant,
    /// There while the client's side takes no more of what we write.
    blocked: Option<Pace>,
}

/// The watch over one connection, kept up by its stream and its service.
#[derive(Debug)]
pub(crate) struct Watch {
    state: Mutex<State>,
    close: CancellationToken,
}

impl Watch {
    pub(crate) fn new(now: Instant) -> Self {
        let state = State { phase: Phase::Idle, since: now, blocked: None };
        Self { state: Mutex::new(state), close: CancellationToken::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code that holds it can panic half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, phase: Phase) {
        let mut state = self.state();
        (state.phase, state.since) = (phase, Instant::now());
    }

    /// A head was read.
    pub(crate) fn asked(&self) {
        self.turn(Phase::Working);
    }

    /// Its body is awaited, until [`Watch::asked`] is said again.
    pub(crate) fn awaits_body(&self) {
        self.turn(Phase::Body);
    }

    /// The answer was made.
    pub(crate) fn answered(&self) {
        self.turn(Phase::Answering);
    }

    /// Bytes came.
    pub(super) fn read(&self) {
        let mut state = self.state();
        if state.phase == Phase::Idle {
            (state.phase, state.since) = (Phase::Head, Instant::now());
        }
    }

    /// The client's side takes no more for now.
    pub(super) fn write_blocked(&self) {
        self.state().blocked.get_or_insert_with(|| Pace::new(Instant::now()));
    }

    /// It took some.
    pub(super) fn wrote(&self, bytes: usize) {
        if let Some(blocked) = &mut self.state().blocked {
            blocked.moved(bytes);
        }
    }

    /// It took all there was.
    pub(super) fn flushed(&self) {
        let mut state = self.state();
        state.blocked = None;
        if state.phase == Phase::Answering {
            (state.phase, state.since) = (Phase::Idle, Instant::now());
        }
    }

    /// What the client is too late with.
    pub(super) fn overdue(&self, now: Instant, limits: &Limits) -> Option<Overdue> {
        let state = self.state();
        if state.blocked.is_some_and(|pace| pace.deadline(limits) < now) {
            return Some(Overdue::Reading);
        }
        match state.phase {
            Phase::Idle if state.since + limits.idle < now => Some(Overdue::Request),
            Phase::Head if state.since + limits.head < now => Some(Overdue::Head),
            _ => None,
        }
    }

    /// Since when the client is waited for, if it may be given up for others' sake.
    pub(super) fn dispensable(&self, now: Instant) -> Option<Instant> {
        let state = self.state();
        let since = state.blocked.map_or(state.since, |pace| pace.since());
        match (state.blocked, state.phase) {
            (None, Phase::Idle) => Some(since),
            (Some(_), _) | (None, Phase::Head | Phase::Body) => (since + EXCUSED <= now).then_some(since),
            (None, Phase::Working | Phase::Answering) => None,
        }
    }

    /// Since when an answer is not taken, if that may be given up for others' sake.
    pub(super) fn stalled(&self, now: Instant) -> Option<Instant> {
        self.state().blocked.map(|pace| pace.since()).filter(|since| *since + EXCUSED <= now)
    }

    /// Whether no request has been read that would be lost.
    pub(super) fn is_unasked(&self) -> bool {
        matches!(self.state().phase, Phase::Idle | Phase::Head)
    }

    /// Ends the connection, whatever is under way on it. Says whether nobody had before.
    pub(super) fn close(&self) -> bool {
        let first = !self.close.is_cancelled();
        self.close.cancel();
        first
    }

    /// Returns when the connection is to end.
    pub(super) async fn closed(&self) {
        self.close.cancelled().await;
    }

    pub(super) fn is_closed(&self) -> bool {
        self.close.is_cancelled()
    }
}

#[cfg(test)]
mod tests;
