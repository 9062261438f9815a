//! Empty volumes.

use ashlar_common::driver::{OpCtx, Outcome, VolumeSpec};

use super::making::{Begun, there};
use crate::{
    backend::{Backend, Kind, volume_tags},
    data,
    error::Error,
    locks::{Hold, Key},
    lvm::Lv,
    names::LvName,
};

/// The contract's `create`.
pub(crate) async fn create(backend: &Backend, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Lv>, Error> {
    backend.check_size(spec.size)?;
    backend.serve(ctx).await?;
    let _locked = backend.locks.lock(ctx, [(Key::Volume(spec.volume.id), Hold::Alone)]).await?;
    match &backend.kind {
        Kind::Thin(pool) => thin(backend, ctx, spec, pool).await,
        Kind::Thick => thick(backend, ctx, spec).await,
    }
}

/// Whole at once: one command makes it with its name and tags, and the pool has its bytes read zero.
async fn thin(backend: &Backend, ctx: &OpCtx, spec: &VolumeSpec, pool: &LvName) -> Result<Outcome<Lv>, Error> {
    let name = LvName::volume(spec.volume.id);
    if let Err(full) = backend.check_fill(ctx).await {
        // What is there already needs no room.
        return match backend.lvm.lv(ctx, &name).await? {
            Some(lv) => Ok(Outcome::Unchanged(there(&lv, spec.size)?)),
            None => Err(full),
        };
    }
    let mut turn = backend.lvm.turn(ctx).await?;
    turn.create_thin(ctx, pool, &name, spec.size, &volume_tags(spec.size)).await
}

/// Made, zeroed and then named: extents come with whatever was in them, and nobody may ever see that.
async fn thick(backend: &Backend, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Lv>, Error> {
    match backend.begin(ctx, spec.volume.id, spec.size).await? {
        Begun::There(lv) => Ok(Outcome::Unchanged(lv)),
        Begun::New(lv) => {
            let zeroed = data::zero(ctx, &lv.device, 0..lv.extents.bytes()).await;
            backend.settle(ctx, spec.volume.id, zeroed).await
        }
    }
}
