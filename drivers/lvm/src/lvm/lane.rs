//! A lane: one LVM shell, and those who wait for it.
//!
//! Who changes the volume group must not overtake others who do, and who reads must not wait for them; so there are
//! several lanes. A command that was given to a shell is never given up: when the caller's time is over, the command
//! goes on for a while and the lane stays taken, since a killed LVM can leave devices suspended.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ashlar_common::driver::OpCtx;
use tokio::{
    sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep},
};

use super::{
    command::Command,
    report::Answer,
    shell::{Shell, ShellError, Tools},
};
use crate::{error::Error, names::VgName};

/// How many calls may wait for one lane.
const MOST_WAITING: usize = 512;
/// How long a command goes on after its caller's time is over.
const GRACE: Duration = Duration::from_secs(5);

/// One shell and its queue.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    vg: VgName,
    tools: Arc<Tools>,
    slot: Arc<Mutex<Slot>>,
    places: Arc<Semaphore>,
    /// Longest time for one command.
    limit: Duration,
    /// Counts changes of LVM's settings: a shell from before is replaced.
    settings: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Slot {
    shell: Option<Shell>,
    settings: u64,
    /// A command that changes something did not end as it should; devices may be left suspended.
    hurt: bool,
}

/// The lane is this one's until dropped.
#[derive(Debug)]
pub(super) struct Held {
    lane: Lane,
    slot: OwnedMutexGuard<Slot>,
    _place: OwnedSemaphorePermit,
}

impl Lane {
    pub(super) fn new(vg: VgName, tools: Tools, limit: Duration, settings: Arc<AtomicU64>) -> Self {
        let places = Arc::new(Semaphore::new(MOST_WAITING));
        Self { vg, tools: Arc::new(tools), slot: Arc::default(), places, limit, settings }
    }

    /// Waits until the lane is free.
    ///
    /// # Errors
    /// Nothing was begun: [`Error::QueueFull`] and [`Error::NotBegun`].
    pub(super) async fn hold(&self, ctx: &OpCtx, doing: &str) -> Result<Held, Error> {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            return Err(Error::QueueFull { vg: self.vg.clone(), waiting: MOST_WAITING });
        };
        let slot = ctx.bounded(Arc::clone(&self.slot).lock_owned()).await;
        let slot = slot.map_err(|source| Error::NotBegun { doing: doing.to_owned(), source })?;
        Ok(Held { lane: self.clone(), slot, _place: place })
    }

    /// The lane, if it is free now.
    pub(super) fn try_hold(&self) -> Option<Held> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let slot = Arc::clone(&self.slot).try_lock_owned().ok()?;
        Some(Held { lane: self.clone(), slot, _place: place })
    }

    /// Waits, asks, and lets go.
    pub(super) async fn ask(&self, ctx: &OpCtx, command: Command) -> Result<Answer, Error> {
        self.hold(ctx, command.line()).await?.ask(ctx, command).await.1
    }

    /// LVM's settings for this lane.
    pub(super) fn system_dir(&self) -> &Path {
        &self.tools.system_dir
    }
}

impl Held {
    /// Gives the shell a command. The lane comes back with the answer, unless the caller's time was over before.
    pub(super) async fn ask(self, ctx: &OpCtx, command: Command) -> (Option<Self>, Result<Answer, Error>) {
        let doing = command.line().to_owned();
        if let Err(source) = ctx.check() {
            return (Some(self), Err(Error::NotBegun { doing, source }));
        }
        let effects = command.has_effects();
        let work = tokio::spawn(self.work(ctx.clone(), command));
        match ctx.bounded(work).await {
            Ok(Ok((held, answer))) => (Some(held), answer),
            Ok(Err(panic)) => (None, Err(Error::Damaged(format!("the driver panicked at {doing}: {panic}")))),
            Err(stopped) => (None, Err(unanswered(effects, doing, ShellError::Left(stopped)))),
        }
    }

    /// Whether a changing command ended badly since this was asked last.
    pub(super) fn take_hurt(&mut self) -> bool {
        std::mem::take(&mut self.slot.hurt)
    }

    async fn work(mut self, ctx: OpCtx, command: Command) -> (Self, Result<Answer, Error>) {
        let (began, limit) = (Instant::now(), self.lane.limit);
        let mut given = false;
        let result = tokio::select! {
            biased;
            result = self.converse(&command, &mut given) => result,
            () = patience(&ctx, limit) => Err(ShellError::Silent { waited: began.elapsed(), stderr: String::new() }),
        };
        let answer = match result {
            Ok(answer) => {
                tracing::debug!(command = command.line(), took = ?began.elapsed(), "LVM answered");
                Ok(answer)
            }
            Err(error) => {
                let error = self.put_down(error).await;
                let effects = given && command.has_effects();
                self.slot.hurt |= effects;
                tracing::warn!(command = command.line(), error = %error, "an LVM shell is replaced");
                Err(unanswered(effects, command.line().to_owned(), error))
            }
        };
        (self, answer)
    }

    async fn converse(&mut self, command: &Command, given: &mut bool) -> Result<Answer, ShellError> {
        let now = self.lane.settings.load(Ordering::Acquire);
        let slot = &mut *self.slot;
        if slot.settings != now {
            // Its standard input closes, and it ends by itself.
            slot.shell = None;
            slot.settings = now;
        }
        if slot.shell.is_none() {
            let shell = slot.shell.insert(Shell::start(&self.lane.tools)?);
            // It answers when it has its lock.
            shell.ask(&Command::reads("version")).await?;
        }
        let Some(shell) = &mut slot.shell else { return Err(ShellError::Pipe(std::io::ErrorKind::NotFound.into())) };
        *given = true;
        shell.ask(command).await
    }

    /// Ends a shell that cannot be trusted any more.
    async fn put_down(&mut self, error: ShellError) -> ShellError {
        let Some(mut shell) = self.slot.shell.take() else { return error };
        shell.kill().await;
        match error {
            ShellError::Silent { waited, .. } => ShellError::Silent { waited, stderr: shell.stderr() },
            other => other,
        }
    }
}

/// Ends when a command has had its time: `limit`, and no more than a grace beyond its caller's.
async fn patience(ctx: &OpCtx, limit: Duration) {
    let abandoned = async {
        tokio::select! {
            () = ctx.cancel().cancelled() => {}
            () = tokio::time::sleep_until(ctx.deadline()) => {}
        }
        sleep(GRACE).await;
    };
    tokio::select! {
        () = abandoned => {}
        () = sleep(limit) => {}
    }
}

fn unanswered(effects: bool, doing: String, source: ShellError) -> Error {
    if effects { Error::Unknown { doing, source } } else { Error::Unanswered { doing, source } }
}

#[cfg(test)]
mod tests;
