//! All connections: how many there may be, and which goes when there is no room.
//!
//! When all places are taken, the connection that has been waiting longest for its client is closed: one between two
//! requests above all, whose client loses nothing (HTTP clients open another), else one whose client has stood still for
//! a second in the midst of something. So clients that hold connections for the sake of holding them lose them to those who
//! ask. Where every client waits for us, newcomers wait in the system's queue, which is bounded and costs no memory here.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::{
    pace::Limits,
    watch::{Overdue, Watch},
};

/// How often it is looked again whether somebody can go.
const AGAIN: Duration = Duration::from_millis(100);
/// The counters of ended connections, and how they are called.
const ENDS: [&str; 5] = ["idle", "head", "reading", "room", "memory"];

/// Why we ended a connection.
#[derive(Clone, Copy, Debug)]
enum Why {
    Overdue(Overdue),
    /// Another needed its place.
    Room,
    /// Another needed the memory of its answer.
    Memory,
}

/// The connections of a server. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct Connections {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    limits: Limits,
    open: Mutex<Open>,
    /// Somebody left.
    left: Notify,
    ended: [AtomicU64; ENDS.len()],
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    watches: HashMap<u64, Arc<Watch>>,
}

/// A connection's place; dropped with it.
#[derive(Debug)]
pub(super) struct Place {
    number: u64,
    watch: Arc<Watch>,
    connections: Connections,
}

impl Connections {
    /// None yet.
    pub(crate) fn new(limits: Limits) -> Self {
        let inner = Inner { limits, open: Mutex::default(), left: Notify::new(), ended: Default::default() };
        Self { inner: Arc::new(inner) }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.open().watches.len()
    }

    /// How many we ended, by reason.
    pub(crate) fn ended(&self) -> impl Iterator<Item = (&'static str, u64)> {
        ENDS.into_iter().zip(&self.inner.ended).map(|(why, count)| (why, count.load(Ordering::Relaxed)))
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.inner.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection, as soon as there is one.
    pub(super) async fn place(&self) -> Place {
        loop {
            // Registered before looking, so that nobody leaves unseen in between.
            let left = self.inner.left.notified();
            if let Some(place) = self.take_place() {
                return place;
            }
            self.end_longest(Why::Room, Watch::dispensable);
            let _ = tokio::time::timeout(AGAIN, left).await;
        }
    }

    fn take_place(&self) -> Option<Place> {
        let mut open = self.open();
        if open.watches.len() >= self.inner.limits.connections {
            return None;
        }
        let (number, watch) = (open.next, Arc::new(Watch::new(Instant::now())));
        open.next += 1;
        open.watches.insert(number, Arc::clone(&watch));
        Some(Place { number, watch, connections: self.clone() })
    }

    /// Ends the connection whose client has left an answer unread for longest, if one has. Its memory is free soon after.
    pub(crate) fn end_stalled(&self) {
        self.end_longest(Why::Memory, Watch::stalled);
    }

    fn end_longest(&self, why: Why, waits_since: impl Fn(&Watch, Instant) -> Option<Instant>) {
        let now = Instant::now();
        let longest = {
            let open = self.open();
            let others = open.watches.values().filter(|watch| !watch.is_closed());
            let waiting = others.filter_map(|watch| Some((waits_since(watch, now)?, watch)));
            waiting.min_by_key(|(since, _)| *since).map(|(_, watch)| Arc::clone(watch))
        };
        if let Some(watch) = longest {
            self.end(&watch, why);
        }
    }

    /// Ends those whose clients are late.
    pub(super) fn end_overdue(&self) {
        let now = Instant::now();
        for watch in self.open().watches.values() {
            if let Some(overdue) = watch.overdue(now, &self.inner.limits) {
                self.end(watch, Why::Overdue(overdue));
            }
        }
    }

    /// Ends those that have asked nothing that is not answered.
    pub(super) fn end_unasked(&self) {
        for watch in self.open().watches.values().filter(|watch| watch.is_unasked()) {
            watch.close();
        }
    }

    fn end(&self, watch: &Watch, why: Why) {
        if watch.close() {
            let at = match why {
                Why::Overdue(Overdue::Request) => 0,
                Why::Overdue(Overdue::Head) => 1,
                Why::Overdue(Overdue::Reading) => 2,
                Why::Room => 3,
                Why::Memory => 4,
            };
            self.inner.ended[at].fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Place {
    pub(super) fn watch(&self) -> &Arc<Watch> {
        &self.watch
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open().watches.remove(&self.number);
        self.connections.inner.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use ashlar_common::config;

    use super::{Connections, Limits};

    fn connections(count: usize) -> Connections {
        Connections::new(Limits { connections: count, ..Limits::from(&config::limits::Limits::default()) })
    }

    #[tokio::test]
    async fn the_longest_idle_makes_room() {
        let all = connections(2);
        let (busy, idle) = (all.place().await, all.place().await);
        busy.watch().asked();
        let newcomer = tokio::spawn({
            let all = all.clone();
            async move { all.place().await }
        });
        idle.watch().closed().await;
        assert!(!busy.watch().is_closed());
        drop(idle);
        let newcomer = newcomer.await.expect("a place");
        assert_eq!(all.count(), 2);
        drop((busy, newcomer));
        assert_eq!(all.count(), 0);
        let ended: Vec<_> = all.ended().collect();
        assert_eq!(ended, [("idle", 0), ("head", 0), ("reading", 0), ("room", 1), ("memory", 0)]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_us_keeps_the_place() {
        let all = connections(1);
        let busy = all.place().await;
        busy.watch().asked();
        assert!(tokio::time::timeout(std::time::Duration::from_secs(3600), all.place()).await.is_err());
        assert!(!busy.watch().is_closed());
        drop(busy);
        all.place().await;
    }
}
