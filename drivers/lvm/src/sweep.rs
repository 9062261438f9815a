//! What a dead host left half done is finished or undone, before this one does anything.
//!
//! The names and tags of volumes say all there is to know; nothing is written down elsewhere.

use std::collections::BTreeMap;

use ashlar_common::{driver::OpCtx, ids::VolumeId};

use crate::{
    backend::{Backend, Kind, backing},
    error::Error,
    exports::Backing,
    group,
    lvm::{Lv, Turn},
    names::{LvName, Ours},
    snapshots::finish_swap,
    volumes::{SWAP, present},
};

/// Goes over all volumes once; afterwards all are active, and all that there are then are returned.
pub(crate) async fn sweep(backend: &Backend, ctx: &OpCtx) -> Result<Vec<Lv>, Error> {
    let mut turn = backend.lvm.turn(ctx).await?;
    // A host that died may have left devices suspended.
    let mut found = turn.mend(ctx).await?;
    if let Kind::Thin(pool) = &backend.kind
        && !found.iter().any(|lv| lv.name == *pool && lv.active)
    {
        turn.activate_all(ctx, std::slice::from_ref(pool)).await?;
    }
    if found.iter().any(is_half_done) {
        swaps(&mut turn, ctx, &found).await?;
        group::finish(&mut turn, ctx, &found).await?;
        remains(&mut turn, ctx, backend, &found).await?;
        found = turn.all(ctx).await?;
    }
    let asleep = |lv: &&Lv| !lv.active && matches!(lv.name.ours(), Some(Ours::Volume(_) | Ours::Dead(_)));
    let asleep: Vec<_> = found.iter().filter(|lv| lv.is_ours()).filter(asleep).map(|lv| lv.name.clone()).collect();
    if !asleep.is_empty() {
        turn.activate_all(ctx, &asleep).await?;
        found = turn.all(ctx).await?;
    }
    Ok(found)
}

/// What volumes may be exported of, of those that are whole.
pub(crate) fn backings(found: &[Lv]) -> BTreeMap<VolumeId, Backing> {
    let ours = found.iter().filter(|lv| lv.is_ours());
    ours.filter_map(|lv| match lv.name.ours() {
        Some(Ours::Volume(id)) => Some((id, backing(lv))),
        Some(Ours::New(_) | Ours::Dead(_) | Ours::Snapshot(_)) | None => None,
    })
    .collect()
}

/// The volumes whose delete was begun, which are still to be wiped.
pub(crate) fn dead(found: &[Lv]) -> Vec<LvName> {
    let dead = found.iter().filter(|lv| lv.is_ours() && matches!(lv.name.ours(), Some(Ours::Dead(_))));
    dead.map(|lv| lv.name.clone()).collect()
}

/// Most often nothing is, and then LVM need not be asked again.
fn is_half_done(lv: &Lv) -> bool {
    lv.is_ours() && (lv.intent().is_some() || matches!(lv.name.ours(), Some(Ours::New(_) | Ours::Dead(_))))
}

/// Reverts of thin volumes.
async fn swaps(turn: &mut Turn<'_>, ctx: &OpCtx, found: &[Lv]) -> Result<(), Error> {
    for lv in found.iter().filter(|lv| lv.is_ours() && lv.intent() == Some(SWAP)) {
        match lv.name.ours() {
            Some(Ours::New(id)) if present(found, id).is_some_and(|volume| volume.name == lv.name) => {
                tracing::info!(volume = %id, "finishing a revert that a host left");
                finish_swap(turn, ctx, id).await?;
            }
            Some(Ours::Volume(id)) => {
                finish_swap(turn, ctx, id).await?;
            }
            Some(Ours::New(_) | Ours::Snapshot(_) | Ours::Dead(_)) | None => {}
        }
    }
    Ok(())
}

/// Volumes that were begun, and dead ones that need no wiping.
async fn remains(turn: &mut Turn<'_>, ctx: &OpCtx, backend: &Backend, found: &[Lv]) -> Result<(), Error> {
    for lv in found.iter().filter(|lv| lv.is_ours()) {
        let goes = match lv.name.ours() {
            Some(Ours::New(id)) => present(found, id).is_none_or(|volume| volume.name != lv.name),
            Some(Ours::Dead(_)) => lv.thin || !backend.config.wipe_on_delete,
            Some(Ours::Volume(_) | Ours::Snapshot(_)) | None => false,
        };
        if goes {
            tracing::info!(volume = %lv.name, "removing what a host left");
            remove_quietly(turn, ctx, &lv.name).await;
        }
    }
    Ok(())
}

/// What cannot be removed now must not keep the backend from being served.
async fn remove_quietly(turn: &mut Turn<'_>, ctx: &OpCtx, name: &LvName) {
    if let Err(error) = turn.remove(ctx, name).await {
        let error = ashlar_common::chain::chain(&error);
        tracing::error!(volume = %name, error, "what a host left cannot be removed");
    }
}
