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
    thick::undo,
    volumes::SWAP,
};

/// A volume with the bytes that a thin volume or snapshot has now. The caller holds both.
pub(crate) async fn share(
    backend: &Backend,
    ctx: &OpCtx,
    spec: &VolumeSpec,
    source: &Lv,
    from: Tag,
) -> Result<Outcome<Lv>, Error> {
    let (tags, whole) = (volume_tags(spec.size, Some(from)), LvName::volume(spec.volume.id));
    let mut turn = backend.lvm.turn(ctx).await?;
    if backend.rounded(spec.size) <= source.extents {
        // Whole at once, by one command.
        return turn.ensure_snapshot(ctx, source, &whole, &tags, Use::Volume).await;
    }
    let name = LvName::new_volume(spec.volume.id);
    if turn.look_one(ctx, &name).await?.is_some() {
        turn.remove(ctx, &name).await?;
    }
    let steps = async {
        turn.snapshot_of(ctx, source, &name, &tags, Use::Volume).await?;
        turn.extend(ctx, &name, spec.size).await?;
        turn.rename(ctx, &name, &whole).await
    };
    let steps = steps.await;
    drop(turn);
    match steps {
        Ok(lv) => Ok(Outcome::Changed(lv)),
        Err(error) => Err(undo(&backend.lvm, ctx, &name, error).await),
    }
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
    let (name, dead) = (LvName::new_volume(id), LvName::dead_volume(id));
    let mut turn = backend.lvm.turn(ctx).await?;
    for left in turn.look(ctx, &[&name, &dead]).await? {
        turn.remove(ctx, &left.name).await?;
    }
    if let Err(error) = ready(&mut turn, ctx, &name, volume, snapshot).await {
        drop(turn);
        return Err(undo(&backend.lvm, ctx, &name, error).await);
    }
    let midway = |error: Error| error.midway(format!("reverting volume {id}"));
    turn.rename(ctx, &volume.name, &dead).await.map_err(midway)?;
    finish_swap(&mut turn, ctx, id).await.map_err(midway)
}

/// The new volume, with its size and the word that it may take the name.
async fn ready(turn: &mut Turn<'_>, ctx: &OpCtx, name: &LvName, volume: &Lv, snapshot: &Lv) -> Result<(), Error> {
    let swap = Tag::intent(SWAP).ok_or_else(|| Error::Damaged("a word is no tag".to_owned()))?;
    let mut tags = volume_tags(volume.size, volume.tags.iter().find(|tag| tag.is_from()).cloned());
    if volume.extents <= snapshot.extents {
        tags.push(swap);
        return turn.snapshot_of(ctx, snapshot, name, &tags, Use::Volume).await.map(drop);
    }
    turn.snapshot_of(ctx, snapshot, name, &tags, Use::Volume).await?;
    turn.extend(ctx, name, volume.extents).await?;
    turn.retag(ctx, name, &[swap], &[]).await.map(drop)
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
