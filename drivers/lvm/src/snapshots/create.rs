//! One snapshot.

use ashlar_common::{
    driver::{OpCtx, Outcome, Snapshot, SnapshotRef},
    units::ByteCount,
};

use crate::{
    backend::Backend,
    error::Error,
    locks::{Hold, Key},
    lvm::{Lv, Use},
    names::{LvName, Tag},
    thick::refuse_reverting,
    volumes::{hidden, need},
};

/// The tags of a whole snapshot.
pub(crate) fn snapshot_tags(snapshot: &SnapshotRef, size: ByteCount) -> Vec<Tag> {
    vec![Tag::ours(), Tag::size(size), Tag::of(snapshot.volume.id)]
}

/// The contract's snapshot.
pub(crate) fn snapshot(snapshot: SnapshotRef, lv: &Lv) -> Snapshot {
    Snapshot { snapshot, size: lv.size }
}

/// The contract's `inspect_snapshot`.
pub(crate) async fn inspect(
    backend: &Backend,
    ctx: &OpCtx,
    reference: &SnapshotRef,
) -> Result<Option<Snapshot>, Error> {
    let found = backend.lvm.lv(ctx, &LvName::snapshot(reference.id)).await?;
    let found = found.filter(|lv| lv.is_ours() && !hidden(lv) && lv.tags.contains(&Tag::of(reference.volume.id)));
    Ok(found.map(|lv| snapshot(reference.clone(), &lv)))
}

/// The contract's `create_snapshot`.
pub(crate) async fn create(backend: &Backend, ctx: &OpCtx, reference: &SnapshotRef) -> Result<Outcome<Lv>, Error> {
    backend.serve(ctx).await?;
    let keys = [(Key::Volume(reference.volume.id), Hold::Alone), (Key::Snapshot(reference.id), Hold::Alone)];
    let _locked = backend.locks.lock(ctx, keys).await?;
    let (name, origin) = (LvName::snapshot(reference.id), LvName::volume(reference.volume.id));
    let mut turn = backend.lvm.turn(ctx).await?;
    let found = turn.look(ctx, &[&origin, &name]).await?;
    if let Some(lv) = found.iter().find(|lv| lv.name == name) {
        return there(lv, reference).map(Outcome::Unchanged);
    }
    let origin = match found.into_iter().find(|lv| lv.name == origin && lv.is_ours()) {
        Some(origin) => origin,
        None => need(&mut turn, ctx, reference.volume.id).await?,
    };
    refuse_reverting(&origin)?;
    backend.check_fill(ctx).await?;
    match turn.ensure_snapshot(ctx, &origin, &name, &snapshot_tags(reference, origin.size), Use::Kept).await {
        Err(error) => Err(backend.explain(ctx, error).await),
        made => made,
    }
}

/// The snapshot that is there already, if it is of that volume.
pub(crate) fn there(lv: &Lv, reference: &SnapshotRef) -> Result<Lv, Error> {
    if lv.is_ours() && lv.tags.contains(&Tag::of(reference.volume.id)) {
        return Ok(lv.clone());
    }
    let has = lv.tags.iter().map(Tag::as_str).collect::<Vec<_>>().join(",");
    Err(Error::Differs { name: lv.name.to_string(), has, asked: Tag::of(reference.volume.id).to_string() })
}
