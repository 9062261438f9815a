//! What goes with every driver call: whose operation it is, until when, and how to stop it.

use std::{future::Future, time::Duration};

use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    error::{Classified, Error, Kind},
    lease::Lease,
};
use crate::ids::OpId;

/// Bytes done of bytes to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes done.
    pub done: u64,
    /// Bytes to do; 0 while unknown.
    pub total: u64,
}

impl Progress {
    /// Whole percent, at most 100; 0 while the total is unknown.
    #[must_use]
    pub fn percent(self) -> u8 {
        if self.total == 0 {
            return 0;
        }
        let percent = u128::from(self.done.min(self.total)) * 100 / u128::from(self.total);
        u8::try_from(percent).unwrap_or(100)
    }
}

/// The context of one driver call.
///
/// Dropping a driver's future is not a way to stop it: cancel the context and await the answer. A driver that stops
/// for cancellation or deadline answers [`Kind::Indeterminate`] unless it knows that nothing changed.
#[derive(Clone, Debug)]
pub struct OpCtx {
    op: OpId,
    deadline: Instant,
    cancel: CancellationToken,
    /// The host's; `None` where nobody competes for the backend.
    lease: Option<Lease>,
    progress: watch::Sender<Progress>,
}

/// The call was stopped before it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// Another process may have the backend by now.
    #[error("this host's lease of the backend is over")]
    Lapsed,
    /// Somebody cancelled the operation, or the host is shutting down.
    #[error("cancelled")]
    Cancelled,
    /// The operation's time is up.
    #[error("deadline passed")]
    Deadline,
}

impl Classified for Stopped {
    fn kind(&self) -> Kind {
        Kind::Indeterminate
    }
}

impl OpCtx {
    /// A context for `op` that ends `limit` from now or when `cancel` fires.
    #[must_use]
    pub fn new(op: OpId, limit: Duration, cancel: CancellationToken) -> Self {
        Self {
            op,
            deadline: Instant::now() + limit,
            cancel,
            lease: None,
            progress: watch::Sender::new(Progress::default()),
        }
    }

    /// The same, as long as `lease` holds: nothing begins after that.
    #[must_use]
    pub fn under(self, lease: Lease) -> Self {
        Self { lease: Some(lease), ..self }
    }

    /// The same for a step of the call, which ends `limit` from now at the latest.
    #[must_use]
    pub fn within(&self, limit: Duration) -> Self {
        Self { deadline: self.deadline.min(Instant::now() + limit), ..self.clone() }
    }

    /// The operation this call belongs to.
    #[must_use]
    pub fn op(&self) -> OpId {
        self.op
    }

    /// When the call must have ended.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Fires when the call should stop.
    #[must_use]
    pub fn cancel(&self) -> &CancellationToken {
        &self.cancel
    }

    /// An error if the call should stop now. Long loops, also those on blocking threads, ask between steps.
    ///
    /// # Errors
    /// [`Stopped`] after cancellation, past the deadline or the lease.
    pub fn check(&self) -> Result<(), Stopped> {
        self.check_lease()?;
        if self.cancel.is_cancelled() {
            return Err(Stopped::Cancelled);
        }
        if Instant::now() >= self.deadline {
            return Err(Stopped::Deadline);
        }
        Ok(())
    }

    fn check_lease(&self) -> Result<(), Stopped> {
        if self.lease.as_ref().is_none_or(Lease::holds) { Ok(()) } else { Err(Stopped::Lapsed) }
    }

    /// Awaits `future`, but no longer than this context lasts. For waits that leave nothing half done when dropped.
    ///
    /// # Errors
    /// [`Stopped`] after cancellation, past the deadline, or where the lease is over already.
    pub async fn bounded<F: Future>(&self, future: F) -> Result<F::Output, Stopped> {
        self.check_lease()?;
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Stopped::Cancelled),
            () = tokio::time::sleep_until(self.deadline) => Err(Stopped::Deadline),
            output = future => Ok(output),
        }
    }

    /// Runs blocking work (file-system calls, mostly) where it may block. The closure gets its own handle on the
    /// context to ask [`OpCtx::check`] with; it is always awaited to its end.
    ///
    /// # Errors
    /// What the closure answers; [`Kind::Fatal`] if it panicked, [`Stopped::Lapsed`] if it was not begun.
    pub async fn blocking<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&OpCtx) -> Result<T, Error> + Send + 'static,
    {
        let ctx = self.clone();
        // Asked where it runs: it may have waited for a thread, or the process for being continued.
        let held = move || ctx.check_lease().map_err(Error::from).and_then(|()| work(&ctx));
        match tokio::task::spawn_blocking(held).await {
            Ok(result) => result,
            Err(join) => Err(Error::new(Kind::Fatal, format!("driver work panicked: {join}"))),
        }
    }

    /// Says how far the call is.
    pub fn report(&self, progress: Progress) {
        self.progress.send_replace(progress);
    }

    /// Where [`OpCtx::report`] can be watched.
    #[must_use]
    pub fn watch_progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }
}
