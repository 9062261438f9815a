//! One call of the driver, made of steps that each take an instant, with whatever may happen between them.

use std::{future::pending, sync::Arc};

use ashlar_common::driver::OpCtx;

use super::{
    backend::Backend,
    disk::{Disk, SharedDisk},
    error::Error,
    faults::Fault,
    state::{Staged, State},
};
use crate::steps::{Act, Step};

/// A call under way.
pub(super) struct Call<'c> {
    pub(super) backend: &'c Arc<Backend>,
    pub(super) host: u64,
    pub(super) ctx: &'c OpCtx,
    pub(super) name: &'static str,
}

/// Something half done on the backend. Taken away again when dropped, unless its host is dead: then it stays until a
/// host opens the backend.
#[derive(Debug)]
pub(super) struct Staging {
    backend: Arc<Backend>,
    host: u64,
    id: u64,
    pub(super) disk: SharedDisk,
}

impl Call<'_> {
    /// Whether that is broken.
    pub(super) fn broken(&self, fault: Fault) -> bool {
        self.backend.settings.broken(fault)
    }

    /// Waits as long as the backend is slow, at the start of a call that changes something.
    pub(super) async fn begin(self) -> Result<Self, Error> {
        let by = self.backend.slower_by();
        if !by.is_zero() {
            self.ctx.bounded(tokio::time::sleep(by)).await?;
        }
        Ok(self)
    }

    /// Looks at the backend.
    pub(super) async fn look<T>(&self, look: impl FnOnce(&State) -> Result<T, Error>) -> Result<T, Error> {
        self.apply(|state| look(state)).await
    }

    /// Has one effect on the backend.
    pub(super) async fn step<T>(
        &self,
        name: &'static str,
        effect: impl FnOnce(&mut State) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let act = self.backend.steps.at(&Step { host: self.host, call: self.name, name });
        match act {
            Act::Go | Act::FailAfter | Act::DieAfter => {}
            Act::Delay(by) => self.ctx.bounded(tokio::time::sleep(by)).await?,
            Act::Cancel => self.ctx.cancel().cancel(),
            Act::FailBefore => return Err(Error::Refused(name)),
            Act::DieBefore => self.backend.kill(self.host),
        }
        self.ctx.check()?;
        let done = self.apply(effect).await;
        match act {
            Act::FailAfter if done.is_ok() => Err(Error::AnswerLost(name)),
            Act::DieAfter => {
                self.backend.kill(self.host);
                pending().await
            }
            _ => done,
        }
    }

    async fn apply<T>(&self, effect: impl FnOnce(&mut State) -> Result<T, Error>) -> Result<T, Error> {
        let done = {
            let mut state = self.backend.state();
            let dead = state.dead.contains(&self.host);
            if dead {
                None
            } else if self.backend.is_away() {
                Some(Err(Error::Away))
            } else {
                Some(effect(&mut state))
            }
        };
        match done {
            Some(done) => done,
            None => pending().await,
        }
    }

    /// Puts something half done on the backend. For effects: `state` is theirs.
    pub(super) fn stage(&self, state: &mut State, what: String, disk: Disk) -> Staging {
        self.stage_shared(state, what, disk.into_shared())
    }

    /// The same for bytes that are somewhere already.
    pub(super) fn stage_shared(&self, state: &mut State, what: String, disk: SharedDisk) -> Staging {
        let id = state.next();
        state.staged.insert(id, Staged { host: self.host, what, disks: vec![Arc::clone(&disk)] });
        Staging { backend: Arc::clone(self.backend), host: self.host, id, disk }
    }
}

impl Staging {
    /// Takes it off the stage, to be put in its place by the same effect.
    pub(super) fn take(&self, state: &mut State) -> SharedDisk {
        state.staged.remove(&self.id);
        Arc::clone(&self.disk)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let mut state = self.backend.state();
        if !state.dead.contains(&self.host) {
            state.staged.remove(&self.id);
        }
    }
}
