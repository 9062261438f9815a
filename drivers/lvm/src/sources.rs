//! Volumes from snapshots and volumes, thin or thick.

use ashlar_common::{
    driver::{OpCtx, Outcome, SnapshotRef, VolumeSpec},
    ids::VolumeId,
    units::ByteCount,
};

use crate::{
    backend::Backend,
    error::Error,
    locks::{Hold, Key},
    lvm::Lv,
    names::{LvName, Tag},
    snapshots, thick,
    volumes::{hidden, need, there},
};

/// The contract's `create_from_snapshot`.
pub(crate) async fn from_snapshot(
    backend: &Backend,
    ctx: &OpCtx,
    spec: &VolumeSpec,
    source: &SnapshotRef,
) -> Result<Outcome<Lv>, Error> {
    backend.check_size(spec.size)?;
    backend.serve(ctx).await?;
    let from = Tag::from_snapshot(source.id);
    let keys = [(Key::Volume(spec.volume.id), Hold::Alone), (Key::Snapshot(source.id), Hold::Shared)];
    let _locked = backend.locks.lock(ctx, keys).await?;
    backend.settle(ctx, spec.volume.id).await?;
    let (name, target) = (LvName::snapshot(source.id), LvName::volume(spec.volume.id));
    let found = backend.lvm.look(ctx, &[&name, &target]).await?;
    if let Some(lv) = found.iter().find(|lv| lv.name == target) {
        return there(lv, spec.size, Some(&from)).map(Outcome::Unchanged);
    }
    let lv = snapshot(&found, source)?;
    check_fits(spec.size, lv.size)?;
    if lv.thin {
        backend.check_fill(ctx).await?;
        return match snapshots::share(backend, ctx, spec, lv, from).await {
            Err(error) => Err(backend.explain(ctx, error).await),
            made => made,
        };
    }
    let new = backend.new_volume(spec, Some(from));
    let made = thick::create_from_snapshot(&backend.lvm, ctx, &lv.name, &new, backend.throttle()).await;
    made.map(Outcome::Changed)
}

/// The contract's `clone_volume`.
pub(crate) async fn clone_volume(
    backend: &Backend,
    ctx: &OpCtx,
    spec: &VolumeSpec,
    source: VolumeId,
) -> Result<Outcome<Lv>, Error> {
    backend.check_size(spec.size)?;
    backend.serve(ctx).await?;
    let from = Tag::from_volume(source);
    let keys = [(Key::Volume(spec.volume.id), Hold::Alone), (Key::Volume(source), Hold::Shared)];
    let _locked = backend.locks.lock(ctx, keys).await?;
    backend.settle(ctx, spec.volume.id).await?;
    let (name, target) = (LvName::volume(source), LvName::volume(spec.volume.id));
    let found = backend.lvm.look(ctx, &[&name, &target]).await?;
    if let Some(lv) = found.iter().find(|lv| lv.name == target) {
        return there(lv, spec.size, Some(&from)).map(Outcome::Unchanged);
    }
    let lv = match found.into_iter().find(|lv| lv.name == name && lv.is_ours()) {
        Some(lv) => lv,
        None => need(&mut backend.lvm.turn(ctx).await?, ctx, source).await?,
    };
    check_fits(spec.size, lv.size)?;
    if lv.thin {
        backend.check_fill(ctx).await?;
        return match snapshots::share(backend, ctx, spec, &lv, from).await {
            Err(error) => Err(backend.explain(ctx, error).await),
            made => made,
        };
    }
    let new = backend.new_volume(spec, Some(from));
    let made = thick::clone_volume(&backend.lvm, ctx, &lv.name, &new, backend.throttle()).await;
    made.map(Outcome::Changed)
}

/// The contract's `revert`.
pub(crate) async fn revert(backend: &Backend, ctx: &OpCtx, source: &SnapshotRef) -> Result<Lv, Error> {
    backend.serve(ctx).await?;
    let id = source.volume.id;
    let keys = [(Key::Volume(id), Hold::Alone), (Key::Snapshot(source.id), Hold::Shared)];
    let locked = backend.locks.lock(ctx, keys).await?;
    let (volume, found) = {
        let mut turn = backend.lvm.turn(ctx).await?;
        let volume = need(&mut turn, ctx, id).await?;
        (volume, turn.look(ctx, &[&LvName::snapshot(source.id)]).await?)
    };
    let snapshot = snapshot(&found, source)?;
    backend.check_detached(id).await?;
    if volume.thin {
        backend.check_fill(ctx).await?;
        return match snapshots::revert(backend, ctx, id, &volume, snapshot).await {
            Err(error) => {
                backend.swaps.note(id);
                Err(backend.explain(ctx, error).await)
            }
            reverted => reverted,
        };
    }
    backend.reverts.revert(ctx, id, source.id, locked).await?;
    need(&mut backend.lvm.turn(ctx).await?, ctx, id)
        .await
        .map_err(|error| error.midway(format!("reverting volume {id}")))
}

fn snapshot<'a>(found: &'a [Lv], source: &SnapshotRef) -> Result<&'a Lv, Error> {
    let (name, of) = (LvName::snapshot(source.id), Tag::of(source.volume.id));
    let is = |lv: &&Lv| lv.name == name && lv.is_ours() && !hidden(lv) && lv.tags.contains(&of);
    found.iter().find(is).ok_or(Error::NoSnapshot(source.id))
}

fn check_fits(target: ByteCount, source: ByteCount) -> Result<(), Error> {
    if target >= source {
        return Ok(());
    }
    Err(Error::Invalid(format!("a volume of {target} cannot hold the {source} of its source")))
}
