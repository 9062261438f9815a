//! Volumes that share the blocks of what they are made from.

use ashlar_common::{
    driver::{OpCtx, Outcome, VolumeSpec},
    ids::VolumeId,
};

use crate::{
    backend::{Backend, volume_tags},
    error::Error,
    lvm::{Lv, Turn, Use},
    names::{LvName, Tag},
    volumes::SWAP,
};

/// A volume with a thin snapshot's bytes. The caller holds both.
pub(crate) async fn from_snapshot(
    backend: &Backend,
    ctx: &OpCtx,
    spec: &VolumeSpec,
    source: &Lv,
) -> Result<Outcome<Lv>, Error> {
    share(backend, ctx, spec, source).await
}

/// A volume with the bytes that a thin volume has now. The caller holds both.
pub(crate) async fn clone_volume(
    backend: &Backend,
    ctx: &OpCtx,
    spec: &VolumeSpec,
    source: &Lv,
) -> Result<Outcome<Lv>, Error> {
    share(backend, ctx, spec, source).await
}

async fn share(backend: &Backend, ctx: &OpCtx, spec: &VolumeSpec, source: &Lv) -> Result<Outcome<Lv>, Error> {
    backend.check_fill(ctx).await?;
    let tags = volume_tags(spec.size);
    let mut turn = backend.lvm.turn(ctx).await?;
    if backend.rounded(spec.size) <= source.extents {
        // Whole at once, by one command.
        return turn.snapshot_of(ctx, source, &LvName::volume(spec.volume.id), &tags, Use::Volume).await;
    }
    let name = LvName::new_volume(spec.volume.id);
    if turn.look_one(ctx, &name).await?.is_some() {
        turn.remove(ctx, &name).await?;
    }
    turn.snapshot_of(ctx, source, &name, &tags, Use::Volume).await?;
    let grown = turn.extend(ctx, &name, spec.size).await.map(|_| ());
    drop(turn);
    backend.settle(ctx, spec.volume.id, grown).await
}

/// Gives a volume a snapshot's bytes: a new volume is made from the snapshot, and the two change names. The volume's
/// name belongs to the old one or the new one at each instant, or to none while the new one's tag says that it is the
/// volume. The caller holds both.
pub(crate) async fn revert(
    backend: &Backend,
    ctx: &OpCtx,
    id: VolumeId,
    volume: &Lv,
    snapshot: &Lv,
) -> Result<Lv, Error> {
    backend.check_fill(ctx).await?;
    let (name, dead) = (LvName::new_volume(id), LvName::dead_volume(id));
    let mut turn = backend.lvm.turn(ctx).await?;
    for left in turn.look(ctx, &[&name, &dead]).await? {
        turn.remove(ctx, &left.name).await?;
    }
    turn.snapshot_of(ctx, snapshot, &name, &volume_tags(volume.size), Use::Volume).await?;
    let made = ready(&mut turn, ctx, &name, volume).await;
    if let Err(error) = made {
        drop(turn);
        return match backend.settle(ctx, id, Err(error)).await {
            Ok(outcome) => Ok(outcome.into_inner()),
            Err(error) => Err(error),
        };
    }
    let doing = || format!("reverting volume {id}");
    turn.rename(ctx, &volume.name, &dead).await.map_err(|error| error.midway(doing()))?;
    finish_swap(&mut turn, ctx, id).await.map_err(|error| error.midway(doing()))
}

/// The new volume gets its size, and the word that it may take the name.
async fn ready(turn: &mut Turn<'_>, ctx: &OpCtx, name: &LvName, volume: &Lv) -> Result<(), Error> {
    turn.extend(ctx, name, volume.extents).await?;
    let swap = Tag::intent(SWAP).ok_or_else(|| Error::Damaged("a word is no tag".to_owned()))?;
    turn.retag(ctx, name, &[swap], &[]).await?;
    Ok(())
}

/// The old volume has lost its name: the new one gets it, and the old one goes.
pub(crate) async fn finish_swap(turn: &mut Turn<'_>, ctx: &OpCtx, id: VolumeId) -> Result<Lv, Error> {
    let (name, new, dead) = (LvName::volume(id), LvName::new_volume(id), LvName::dead_volume(id));
    turn.rename(ctx, &new, &name).await?;
    let swap: Vec<_> = Tag::intent(SWAP).into_iter().collect();
    let lv = turn.retag(ctx, &name, &[], &swap).await?;
    turn.remove(ctx, &dead).await?;
    Ok(lv)
}
