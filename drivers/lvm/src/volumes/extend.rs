//! Volumes that grow, attached or not.

use ashlar_common::{
    driver::{OpCtx, Outcome},
    ids::VolumeId,
    units::ByteCount,
};

use super::{delete::check_unneeded, find::need};
use crate::{
    backend::{Backend, backing},
    data,
    error::Error,
    locks::{Hold, Key},
    lvm::Lv,
    names::{LvName, Tag},
    thick::refuse_reverting,
};

/// The contract's `extend` and `extend_attached`.
///
/// First there is room, then the new bytes are zero, and then the tag says the new size: stopped in between, the volume
/// has the old size, and clients never see more of it.
pub(crate) async fn extend(
    backend: &Backend,
    ctx: &OpCtx,
    volume: VolumeId,
    size: ByteCount,
) -> Result<Outcome<Lv>, Error> {
    backend.check_size(size)?;
    backend.serve(ctx).await?;
    let _locked = backend.locks.lock(ctx, [(Key::Volume(volume), Hold::Alone)]).await?;
    let name = LvName::volume(volume);
    let was = need(&mut backend.lvm.turn(ctx).await?, ctx, volume).await?;
    refuse_reverting(&was)?;
    if size < was.size {
        return Err(Error::Invalid(format!("volume {volume} has {} already, and cannot shrink to {size}", was.size)));
    }
    if size == was.size {
        // An earlier try may have ended before clients were told.
        backend.exports().await.resize(ctx, volume, &backing(&was)).await?;
        return Ok(Outcome::Unchanged(was));
    }
    backend.check_fill(ctx).await?;
    let doing = || format!("extending volume {volume}");
    let grown =
        if backend.rounded(size) > was.extents { grow(backend, ctx, volume, &was, size).await? } else { was.clone() };
    if !grown.thin && grown.extents > was.extents {
        let new = was.extents.bytes()..grown.extents.bytes();
        data::zero(ctx, &grown.device, new).await.map_err(|error| error.midway(doing()))?;
    }
    let mut old: Vec<_> = was.tags.iter().filter(|tag| tag.as_size().is_some()).cloned().collect();
    old.retain(|tag| *tag != Tag::size(size));
    let mut turn = backend.lvm.turn(ctx).await.map_err(|error| error.midway(doing()))?;
    let lv = turn.retag(ctx, &name, &[Tag::size(size)], &old).await.map_err(|error| error.midway(doing()))?;
    drop(turn);
    backend.exports().await.resize(ctx, volume, &backing(&lv)).await.map_err(|error| error.midway(doing()))?;
    Ok(Outcome::Changed(lv))
}

async fn grow(backend: &Backend, ctx: &OpCtx, volume: VolumeId, was: &Lv, size: ByteCount) -> Result<Lv, Error> {
    let mut turn = backend.lvm.turn(ctx).await?;
    if was.thin {
        return turn.extend(ctx, &was.name, size).await;
    }
    let found = turn.look_with(ctx, &[], Some(&Tag::of(volume))).await?;
    if check_unneeded(&found, volume).is_ok() {
        return turn.extend(ctx, &was.name, size).await;
    }
    // LVM extends what thick snapshots are of only while it is not active; they keep their own size.
    if !backend.attachments(volume).await.is_empty() {
        let by = "LVM cannot extend a volume that has thick snapshots while it is attached: detach it, or delete them";
        return Err(Error::InUse { name: was.name.to_string(), by: by.to_owned() });
    }
    turn.deactivate(ctx, &was.name).await?;
    let extended = turn.extend(ctx, &was.name, size).await;
    turn.activate(ctx, &was.name).await?;
    extended.map(|lv| Lv { active: true, ..lv })
}
