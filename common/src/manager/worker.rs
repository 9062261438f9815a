//! The host side: claims the operations of one backend, has the driver do them, commits what came of it.

use std::{sync::Arc, time::Duration};

use tokio::sync::{Notify, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    image_store::ImageStore,
    outcome::{self, Ending},
    perform::{Effect, perform},
    recovery,
    stats::OperatorFunctions,
};
use crate::{
    chain::chain,
    config,
    driver::{Driver, Error, Kind, Lease, OpCtx, error::Reaction},
    ids::BackendName,
    points::Point,
    store::{
        self, Store,
        records::{Operation, OperationError},
    },
    wakeup::{Bell, Ear, Sleeper},
};

/// Wake-ups may get lost; this makes it right.
const POLL: Duration = Duration::from_secs(1);
/// Between two notes of how far a long operation is.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);
/// Pauses between tries grow from the first to the second.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(60));

/// An operation that was claimed this many times the configured attempts has seen that many hosts die or stop over it.
/// It is not tried for ever: it may be what kills them.
const FATAL_CLAIMS: u32 = 3;

/// The host of one backend.
#[derive(Clone)]
pub struct Worker {
    /// The store.
    pub store: Store,
    /// The backend's driver.
    pub driver: Arc<dyn Driver>,
    /// The backend.
    pub backend: BackendName,
    /// The epoch under which this host took it.
    pub epoch: u64,
    /// Its right to touch the backend.
    pub lease: Lease,
    /// Where images are, if anywhere.
    pub images: Option<ImageStore>,
    /// `[host]` of the configuration.
    pub settings: config::Host,
    /// What the operator lets the backend's pools take.
    pub functions: OperatorFunctions,
    /// Wakes the API when an operation has ended.
    pub bell: Bell,
    /// Fires when the host should stop.
    pub stop: CancellationToken,
}

/// A call that went wrong.
struct Trouble {
    error: Error,
    /// An earlier try may have changed something, and the backend has not shown whether it did.
    in_doubt: bool,
}

impl Worker {
    /// Works until stopped or fenced; then cancels what is under way and waits for it.
    ///
    /// # Errors
    /// [`store::Error::Fenced`] when another host has taken the backend over, [`store::Error::Unknown`] when it is not known
    /// what was claimed.
    pub async fn run(&self, ear: &Ear) -> Result<(), store::Error> {
        let slots = Arc::new(Semaphore::new(usize::try_from(self.settings.concurrency).unwrap_or(1)));
        let (freed, tasks) = (Arc::new(Notify::new()), TaskTracker::new());
        let mut more = false;
        let ended = loop {
            let claimed = self.claim(&slots, more).await;
            // All slots were filled, so others may wait behind.
            more = claimed.as_ref().is_ok_and(|operations| !operations.is_empty() && slots.available_permits() == 0);
            match claimed {
                Ok(operations) => {
                    for (operation, slot) in operations {
                        let (worker, freed) = (self.clone(), Arc::clone(&freed));
                        tasks.spawn(async move {
                            worker.see_through(operation).await;
                            drop(slot);
                            freed.notify_one();
                        });
                    }
                }
                // Without an answer, operations may be claimed that nobody here knows of: the next host finds them.
                Err(error @ (store::Error::Fenced { .. } | store::Error::Unknown)) => break Some(error),
                Err(error) => tracing::error!(error = chain(&error), "cannot claim operations; trying again"),
            }
            tokio::select! {
                // In this order, and the next in theirs, so that a simulation is the same in each run of a seed.
                biased;
                () = self.stop.cancelled() => break None,
                () = ear.heard() => {}
                () = freed.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        };
        self.stop.cancel();
        tasks.close();
        tasks.wait().await;
        ended.map_or(Ok(()), Err)
    }

    /// Claims as many due operations as there are free slots. Unless there are likely to be some, it looks first: claiming
    /// takes the write lock and a durable commit.
    async fn claim(
        &self,
        slots: &Arc<Semaphore>,
        likely: bool,
    ) -> Result<Vec<(Operation, tokio::sync::OwnedSemaphorePermit)>, store::Error> {
        let clock = self.store.clock();
        if slots.available_permits() == 0
            || !self.lease.holds()
            || !(likely || self.store.look().await?.any_due(&self.backend, self.epoch, clock).await?)
        {
            return Ok(Vec::new());
        }
        self.store.reached(Point::Due).await;
        let mut tx = self.store.write().await?;
        // Counted here, since more may have become free while this waited for its turn.
        let free = u32::try_from(slots.available_permits()).unwrap_or(u32::MAX);
        let operations = tx.claim_operations(&self.backend, self.epoch, free, clock).await?;
        if operations.is_empty() {
            return Ok(Vec::new());
        }
        self.store.reached(Point::Marked).await;
        tx.commit().await?;
        self.store.reached(Point::Claimed).await;
        let with_slot = |operation| Arc::clone(slots).try_acquire_owned().ok().map(|slot| (operation, slot));
        Ok(operations.into_iter().filter_map(with_slot).collect())
    }

    /// Does one claimed operation, and commits or defers it. Errors end here.
    async fn see_through(&self, operation: Operation) {
        let started = std::time::Instant::now();
        let limit = Duration::from_secs(self.settings.operation_timeout_seconds);
        let ctx = OpCtx::new(operation.id, limit, self.stop.child_token()).under(self.lease.clone());
        let work = operation.work.name();
        // In a task of its own, so that a panic of the driver is an error of this operation and not of the host.
        let (worker, claimed) = (self.clone(), operation.clone());
        let call_ctx = ctx.clone();
        let mut call = tokio::spawn(async move { worker.call(&call_ctx, &claimed).await });
        let result = loop {
            tokio::select! {
                biased;
                joined = &mut call => break joined.unwrap_or_else(|panic| {
                    let error = Error::new(Kind::Fatal, format!("the driver panicked: {panic}"));
                    Err(Trouble { error, in_doubt: true })
                }),
                () = tokio::time::sleep(PROGRESS_INTERVAL) => self.note_progress(&operation, &ctx).await,
            }
        };
        let ending = match result {
            Ok(effect) => Ending::Done(effect),
            // The next host looks at what became of it.
            Err(trouble) if self.is_ending() && trouble.error.kind() == Kind::Indeterminate => {
                tracing::info!(op = %operation.id, work, "stopped; the next host goes on");
                return;
            }
            Err(trouble) => match self.react(&operation, &trouble) {
                Some(ending) => ending,
                None => return self.defer(&operation, &trouble.error).await,
            },
        };
        match &ending {
            Ending::Done(_) => tracing::info!(op = %operation.id, work, ms = started.elapsed().as_millis(), "done"),
            Ending::GaveBack(error) | Ending::Failed(error) => {
                tracing::warn!(op = %operation.id, work, kind = %error.kind, error = error.message, "failed");
            }
        }
        self.commit(&operation, &ending).await;
    }

    /// The driver call; for an operation that was claimed before, after a look at what is true already.
    async fn call(&self, ctx: &OpCtx, operation: &Operation) -> Result<Effect, Trouble> {
        ctx.check().map_err(|stopped| Trouble { error: stopped.into(), in_doubt: false })?;
        let mut in_doubt = false;
        if operation.attempts > 0 {
            // What an earlier try did is not known until the backend has shown it.
            let look = recovery::settled(self.driver.as_ref(), ctx, &operation.work).await;
            if let Some(effect) = look.map_err(|error| Trouble { error, in_doubt: true })? {
                tracing::info!(op = %operation.id, work = operation.work.name(), "found done");
                return Ok(effect);
            }
            in_doubt = !recovery::can_tell(&operation.work);
            self.store.reached(Point::Inspected).await;
        }
        if operation.attempts >= self.settings.attempts.saturating_mul(FATAL_CLAIMS) {
            let text = format!("given up: {} hosts died or stopped while they were at it", operation.attempts);
            return Err(Trouble { error: Error::new(Kind::Fatal, text), in_doubt });
        }
        ctx.check().map_err(|stopped| Trouble { error: stopped.into(), in_doubt })?;
        let performed = perform(&self.store, self.driver.as_ref(), self.images.as_ref(), ctx, &operation.work).await;
        self.store.reached(Point::Performed).await;
        performed.map_err(|error| Trouble { error, in_doubt })
    }

    fn is_ending(&self) -> bool {
        self.stop.is_cancelled() || !self.lease.holds()
    }

    /// How the operation ends after this; `None` if it is to be tried again.
    fn react(&self, operation: &Operation, trouble: &Trouble) -> Option<Ending> {
        let tries_left = operation.attempts + 1 < self.settings.attempts;
        let told = OperationError { kind: trouble.error.kind(), message: trouble.error.chain() };
        match told.kind.reaction() {
            Reaction::RetryLater | Reaction::Inspect if tries_left => None,
            Reaction::RetryLater | Reaction::GiveBack if !trouble.in_doubt => Some(Ending::GaveBack(told)),
            _ => Some(Ending::Failed(told)),
        }
    }

    async fn defer(&self, operation: &Operation, error: &Error) {
        let pause = PAUSE.0 * 2_u32.saturating_pow(operation.attempts.min(16));
        let pause = pause.min(PAUSE.1);
        let why = OperationError { kind: error.kind(), message: error.chain() };
        tracing::warn!(op = %operation.id, kind = %why.kind, error = why.message, ?pause, "trying again later");
        self.insist(|| async {
            let clock = self.store.clock();
            let mut tx = self.store.write().await?;
            tx.still_member(&self.backend, self.epoch).await?;
            tx.defer_operation(operation, self.epoch, &why, clock.uptime + pause, clock.now).await?;
            self.store.reached(Point::Deferring).await;
            tx.commit().await
        })
        .await;
        self.store.reached(Point::Deferred).await;
    }

    async fn commit(&self, operation: &Operation, ending: &Ending) {
        self.insist(|| outcome::commit(&self.store, &self.backend, self.epoch, operation, ending)).await;
        self.store.reached(Point::Committed).await;
        self.bell.ring(&Sleeper::Api);
        self.store.reached(Point::Told).await;
    }

    /// Repeats a commit until the store takes it: the outcome is known only here. Gives up when fenced or stopped; the
    /// next host then inspects.
    async fn insist<F: Future<Output = Result<(), store::Error>>>(&self, commit: impl Fn() -> F) {
        loop {
            match commit().await {
                Ok(()) => return,
                Err(error @ store::Error::Fenced { .. }) => {
                    tracing::error!(%error, "stopping");
                    self.stop.cancel();
                    return;
                }
                Err(error) => tracing::error!(error = chain(&error), "cannot commit an outcome; trying again"),
            }
            if self.stop.is_cancelled() {
                return;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    async fn note_progress(&self, operation: &Operation, ctx: &OpCtx) {
        let percent = ctx.watch_progress().borrow().percent();
        if percent == 0 || percent >= 100 {
            return;
        }
        let noted = async {
            let mut tx = self.store.write().await?;
            tx.note_progress(operation.id, self.epoch, percent, self.store.now()).await?;
            tx.commit().await
        };
        if let Err(error) = noted.await {
            tracing::debug!(error = chain(&error), "progress not noted");
        }
    }
}
