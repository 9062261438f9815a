//! Attachments: what the exports do is done for a volume that is there and active.

use ashlar_common::{
    driver::{AttachmentSpec, ConnectionInfo, Detach, OpCtx, Outcome},
    ids::VolumeId,
};

use crate::{
    backend::{Backend, backing},
    error::Error,
    locks::{Hold, Key},
    names::LvName,
    thick::refuse_reverting,
    volumes::need,
};

/// The contract's `attach`.
pub(crate) async fn attach(
    backend: &Backend,
    ctx: &OpCtx,
    volume: VolumeId,
    spec: &AttachmentSpec,
) -> Result<Outcome<ConnectionInfo>, Error> {
    backend.serve(ctx).await?;
    let _locked = backend.locks.lock(ctx, [(Key::Volume(volume), Hold::Alone)]).await?;
    let name = LvName::volume(volume);
    let lv = match backend.lvm.lv(ctx, &name).await? {
        Some(lv) if lv.is_ours() && lv.active => lv,
        _ => {
            let mut turn = backend.lvm.turn(ctx).await?;
            let lv = need(&mut turn, ctx, volume).await?;
            if lv.active { lv } else { turn.activate(ctx, &name).await? }
        }
    };
    refuse_reverting(&lv)?;
    backend.exports().await.attach(ctx, volume, &backing(&lv), spec, backend.config.max_attachments()).await
}

/// The contract's `detach`.
pub(crate) async fn detach(
    backend: &Backend,
    ctx: &OpCtx,
    volume: VolumeId,
    which: Detach,
) -> Result<Outcome<()>, Error> {
    backend.serve(ctx).await?;
    let _locked = backend.locks.lock(ctx, [(Key::Volume(volume), Hold::Alone)]).await?;
    backend.exports().await.detach(ctx, volume, which).await
}
