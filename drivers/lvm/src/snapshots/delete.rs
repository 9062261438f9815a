//! Snapshots that go.

use ashlar_common::driver::{OpCtx, Outcome, SnapshotRef};

use crate::{
    backend::Backend,
    error::Error,
    locks::{Hold, Key},
    lvm::Lv,
    names::{LvName, Tag},
    thick::reverting_to,
};

/// The contract's `delete_snapshot`. One command does it: what shares a thin snapshot's blocks keeps them, and a thick
/// one has nothing that others need.
pub(crate) async fn delete(backend: &Backend, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<()>, Error> {
    backend.serve(ctx).await?;
    let _locked = backend.locks.lock(ctx, [(Key::Snapshot(snapshot.id), Hold::Alone)]).await?;
    let name = LvName::snapshot(snapshot.id);
    let mut turn = backend.lvm.turn(ctx).await?;
    // Another volume's is not the one that is meant.
    let is_meant = |lv: &Lv| lv.is_ours() && lv.tags.contains(&Tag::of(snapshot.volume.id));
    let Some(found) = turn.look_one(ctx, &name).await?.filter(is_meant) else { return Ok(Outcome::Unchanged(())) };
    // A thick volume that is going back to it still reads it.
    let origin = found.origin.as_ref().filter(|_| found.thick_snapshot);
    if let Some(origin) = origin
        && let Some(volume) = reverting_to(&turn.look(ctx, &[origin]).await?, snapshot.id)
    {
        let by = format!("{} is being reverted to it", volume.name);
        return Err(Error::InUse { name: name.to_string(), by });
    }
    turn.remove(ctx, &name).await?;
    Ok(Outcome::Changed(()))
}
