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
};

/// The contract's `delete_snapshot`. One command does it: what shares a thin snapshot's blocks keeps them, and a thick
/// one has nothing that others need.
pub(crate) async fn delete(backend: &Backend, ctx: &OpCtx, snapshot: SnapshotId) -> Result<Outcome<()>, Error> {
    backend.serve(ctx).await?;
    let _locked = backend.locks.lock(ctx, [(Key::Snapshot(snapshot), Hold::Alone)]).await?;
    let name = LvName::snapshot(snapshot);
    let mut turn = backend.lvm.turn(ctx).await?;
    if turn.look_one(ctx, &name).await?.is_none_or(|lv: Lv| !lv.is_ours()) {
        return Ok(Outcome::Unchanged(()));
    }
    turn.remove(ctx, &name).await?;
    Ok(Outcome::Changed(()))
}
