//! Work that goes on when nobody waits for it, until it ends or this process lets go of the volume group.

use std::time::Duration;

use ashlar_common::{driver::OpCtx, ids::OpId};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Longest time that one piece of work may take: no more than a guard against none at all.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// Tasks of one kind. Those that are under way when it is dropped are told to stop.
#[derive(Debug, Default)]
pub(crate) struct Background {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Background {
    /// The context of a piece of work.
    pub(crate) fn ctx(&self, op: OpId) -> OpCtx {
        OpCtx::new(op, LONGEST, self.stop.child_token())
    }

    /// Begins it.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(work);
    }

    /// Has all of it stop, and waits until it has.
    pub(crate) async fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
