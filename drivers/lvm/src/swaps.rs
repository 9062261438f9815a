//! Thin reverts that stopped in the middle, and that this process knows of.
//!
//! In between, the volume bears the name of a new one, or both are there. Calls that look for the volume see that; those
//! that make it, or delete it, ask here first, so that no look is spent where all is well. What a dead host left in
//! between is settled when the volume group is opened.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use ashlar_common::{driver::OpCtx, ids::VolumeId};

use crate::{
    error::Error,
    lvm::{Lv, Lvm},
    names::LvName,
    snapshots::finish_swap,
    volumes::SWAP,
};

/// Volumes whose revert failed somewhere.
#[derive(Debug, Default)]
pub(crate) struct Swaps(Mutex<BTreeSet<VolumeId>>);

impl Swaps {
    /// A revert of that volume failed.
    pub(crate) fn note(&self, volume: VolumeId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(volume);
    }

    /// Finishes it, if it stopped where the volume has no name of its own. The caller holds the volume.
    ///
    /// # Errors
    /// Those of the commands; then it is tried again by the next call.
    pub(crate) async fn settle(&self, lvm: &Lvm, ctx: &OpCtx, volume: VolumeId) -> Result<(), Error> {
        if !self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&volume) {
            return Ok(());
        }
        let (whole, new) = (LvName::volume(volume), LvName::new_volume(volume));
        let mut turn = lvm.turn(ctx).await?;
        let found = turn.look(ctx, &[&whole, &new]).await?;
        let swaps = |lv: &Lv| lv.is_ours() && lv.intent() == Some(SWAP);
        let half_way = match found.iter().find(|lv| lv.name == whole) {
            Some(lv) => swaps(lv),
            None => found.iter().any(swaps),
        };
        if half_way {
            finish_swap(&mut turn, ctx, volume).await?;
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&volume);
        Ok(())
    }
}
