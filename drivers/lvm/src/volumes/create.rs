//! Empty volumes.

use ashlar_common::driver::{OpCtx, Outcome, VolumeSpec};

use super::making::there;
use crate::{
    backend::{Backend, Kind, volume_tags},
    data,
    error::Error,
    locks::{Hold, Key},
    lvm::Lv,
    names::LvName,
    thick,
};

/// The contract's `create`.
pub(crate) async fn create(backend: &Backend, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Lv>, Error> {
    backend.check_size(spec.size)?;
    backend.serve(ctx).await?;
    let _locked = backend.locks.lock(ctx, [(Key::Volume(spec.volume.id), Hold::Alone)]).await?;
    backend.settle(ctx, spec.volume.id).await?;
    match &backend.kind {
        Kind::Thin(pool) => match thin(backend, ctx, spec, pool).await {
            Err(error) => Err(backend.explain(ctx, error).await),
            made => made,
        },
        Kind::Thick => thick(backend, ctx, spec).await,
    }
}

/// Whole at once: one command makes it with its name and tags, and the pool has its bytes read zero.
async fn thin(backend: &Backend, ctx: &OpCtx, spec: &VolumeSpec, pool: &LvName) -> Result<Outcome<Lv>, Error> {
    let name = LvName::volume(spec.volume.id);
    if let Err(full) = backend.check_fill(ctx).await {
        // What is there already needs no room.
        return match backend.lvm.lv(ctx, &name).await? {
            Some(lv) => there(&lv, spec.size, None).map(Outcome::Unchanged),
            None => Err(full),
        };
    }
    let mut turn = backend.lvm.turn(ctx).await?;
    match turn.ensure_thin(ctx, pool, &name, spec.size, &volume_tags(spec.size, None)).await? {
        Outcome::Unchanged(lv) => there(&lv, spec.size, None).map(Outcome::Unchanged),
        made @ Outcome::Changed(_) => Ok(made),
    }
}

/// Made, zeroed and then named: extents come with whatever was in them, and nobody may ever see that.
async fn thick(backend: &Backend, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Lv>, Error> {
    if let Some(lv) = backend.lvm.lv(ctx, &LvName::volume(spec.volume.id)).await? {
        return there(&lv, spec.size, None).map(Outcome::Unchanged);
    }
    let (new, all) = (backend.new_volume(spec, None), backend.rounded(spec.size).bytes());
    let zero = |room: data::Room| async move { data::zero(ctx, &room.device, 0..all).await };
    thick::make(&backend.lvm, ctx, &new, zero).await.map(Outcome::Changed)
}
