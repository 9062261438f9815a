//! Images in and out, for volumes that nobody else works on.

use ashlar_common::driver::{ImageFile, OpCtx, Outcome, VolumeRef, VolumeSpec};

use crate::{
    backend::Backend,
    error::Error,
    images,
    locks::{Hold, Key},
    lvm::Lv,
    names::{LvName, Tag},
    thick::refuse_reverting,
    volumes::{need, there},
};

/// The contract's `copy_image_to_volume`.
pub(crate) async fn image_to_volume(
    backend: &Backend,
    ctx: &OpCtx,
    spec: &VolumeSpec,
    image: &ImageFile,
) -> Result<Outcome<Lv>, Error> {
    backend.check_size(spec.size)?;
    backend.serve(ctx).await?;
    let _locked = backend.locks.lock(ctx, [(Key::Volume(spec.volume.id), Hold::Alone)]).await?;
    backend.settle(ctx, spec.volume.id).await?;
    let from = Tag::from_image();
    if let Some(lv) = backend.lvm.lv(ctx, &LvName::volume(spec.volume.id)).await? {
        return there(&lv, spec.size, Some(&from)).map(Outcome::Unchanged);
    }
    backend.check_fill(ctx).await?;
    let (new, throttle) = (backend.new_volume(spec, Some(from)), backend.throttle());
    images::copy_image_to_volume(&backend.lvm, ctx, &new, image, throttle).await.map(Outcome::Changed)
}

/// The contract's `copy_volume_to_image`.
pub(crate) async fn volume_to_image(
    backend: &Backend,
    ctx: &OpCtx,
    volume: &VolumeRef,
    image: &ImageFile,
) -> Result<Outcome<()>, Error> {
    backend.serve(ctx).await?;
    let _locked = backend.locks.lock(ctx, [(Key::Volume(volume.id), Hold::Shared)]).await?;
    let lv = need(&mut backend.lvm.turn(ctx).await?, ctx, volume.id).await?;
    refuse_reverting(&lv)?;
    backend.check_fill(ctx).await?;
    images::copy_volume_to_image(&backend.lvm, ctx, &lv.name, image, backend.throttle()).await?;
    Ok(Outcome::Changed(()))
}
