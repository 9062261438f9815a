//! Snapshots that go.

use ashlar_common::{
    driver::{OpCtx, Outcome},
    ids::SnapshotId,
};

use crate::{
    backend::Backend,
    error::Error,
    locks::{Hold, Key},
    lvm::Lv,
    names::LvName,
    thick::reverting_to,
};

/// The contract's `delete_snapshot`. One command does it: what shares a thin snapshot's blocks keeps them, and a thick
/// one has nothing that others need.
pub(crate) async fn delete(backend: &Backend, ctx: &OpCtx, snapshot: SnapshotId) -> Result<Outcome<()>, Error> {
    backend.serve(ctx).await?;
    let _locked = backend.locks.lock(ctx, [(Key::Snapshot(snapshot), Hold::Alone)]).await?;
    let name = LvName::snapshot(snapshot);
    let mut turn = backend.lvm.turn(ctx).await?;
    let Some(found) = turn.look_one(ctx, &name).await?.filter(Lv::is_ours) else { return Ok(Outcome::Unchanged(())) };
    // A thick volume that is going back to it still reads it.
    let origin = found.origin.as_ref().filter(|_| found.thick_snapshot);
    if let Some(origin) = origin
        && let Some(volume) = reverting_to(&turn.look(ctx, &[origin]).await?, snapshot)
    {
        let by = format!("{} is being reverted to it", volume.name);
        return Err(Error::InUse { name: name.to_string(), by });
    }
    turn.remove(ctx, &name).await?;
    Ok(Outcome::Changed(()))
}
