//! Deleted volumes whose old bytes are still to be overwritten, as a host before this one left them.
//!
//! A terabyte takes an hour to wipe, and nobody is to wait for that: not the host that starts, and not who makes a new
//! volume, which never gets these extents before they are removed and zeroes all that it gets. So one task goes over
//! them, one volume after another. A delete that is asked for again waits for the volume's own lock.

use ashlar_common::{chain::chain, driver::OpCtx, ids::OpId};

use crate::{
    background::Background,
    error::Error,
    locks::{Hold, Key, Locks},
    lvm::{Lv, Lvm},
    names::{LvName, Ours},
    volumes::bury,
};

/// What wipes and removes dead volumes.
#[derive(Debug)]
pub(crate) struct Burials {
    lvm: Lvm,
    locks: Locks,
    tasks: Background,
}

impl Burials {
    /// Nothing to do yet.
    pub(crate) fn new(lvm: Lvm, locks: Locks) -> Self {
        Self { lvm, locks, tasks: Background::default() }
    }

    /// Wipes and removes these behind the scenes. What fails is logged, and is left for the next start.
    pub(crate) fn start(&self, dead: Vec<LvName>) {
        if dead.is_empty() {
            return;
        }
        let (lvm, locks) = (self.lvm.clone(), self.locks.clone());
        let dead: Vec<_> = dead.into_iter().map(|name| (self.tasks.ctx(OpId::new()), name)).collect();
        self.tasks.spawn(async move {
            for (ctx, name) in dead {
                tracing::info!(volume = %name, "wiping what a host left");
                if let Err(error) = one(&lvm, &locks, &ctx, &name).await {
                    let error = chain(&error);
                    tracing::error!(volume = %name, error, "what a host left cannot be removed");
                }
            }
        });
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
