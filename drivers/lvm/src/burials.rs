//! Deleted volumes whose old bytes are still to be overwritten, as a host before this one left them.
//!
//! A terabyte takes an hour to wipe, and nobody is to wait for that: not the host that starts, and not who makes a new
//! volume, which never gets these extents before they are removed and zeroes all that it gets. So one task goes over
//! them, one volume after another. A delete that is asked for again waits for the volume's own lock.

use std::time::Duration;

use ashlar_common::{chain::chain, driver::OpCtx, ids::OpId};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    error::Error,
    locks::{Hold, Key, Locks},
    lvm::{Lv, Lvm},
    names::{LvName, Ours},
    volumes::bury,
};

/// Longest time for one volume: no more than a guard against none at all.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// What wipes and removes dead volumes.
#[derive(Debug)]
pub(crate) struct Burials {
    lvm: Lvm,
    locks: Locks,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Burials {
    /// Nothing to do yet.
    pub(crate) fn new(lvm: Lvm, locks: Locks) -> Self {
        Self { lvm, locks, tasks: TaskTracker::new(), stop: CancellationToken::new() }
    }

    /// Wipes and removes these behind the scenes. What fails is logged, and is left for the next start.
    pub(crate) fn start(&self, dead: Vec<LvName>) {
        if dead.is_empty() {
            return;
        }
        let (lvm, locks, stop) = (self.lvm.clone(), self.locks.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            for name in dead {
                let ctx = OpCtx::new(OpId::new(), LONGEST, stop.child_token());
                tracing::info!(volume = %name, "wiping what a host left");
                if let Err(error) = one(&lvm, &locks, &ctx, &name).await {
                    let error = chain(&error);
                    tracing::error!(volume = %name, error, "what a host left cannot be removed");
                }
            }
        });
    }
}

impl Drop for Burials {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn one(lvm: &Lvm, locks: &Locks, ctx: &OpCtx, name: &LvName) -> Result<(), Error> {
    let Some(Ours::Dead(id)) = name.ours() else { return Ok(()) };
    let _locked = locks.lock(ctx, [(Key::Volume(id), Hold::Alone)]).await?;
    // Somebody may have asked for the same before.
    match lvm.lv(ctx, name).await?.filter(Lv::is_ours) {
        Some(dead) => bury(lvm, ctx, &dead, true).await,
        None => Ok(()),
    }
}
