//! Volumes that go.

use ashlar_common::{
    driver::{OpCtx, Outcome},
    ids::VolumeId,
};

use crate::{
    backend::Backend,
    data,
    error::Error,
    locks::{Hold, Key},
    lvm::{Lv, Lvm, Turn},
    names::{LvName, Ours, Tag},
    thick::refuse_reverting,
};

/// The contract's `delete`.
pub(crate) async fn delete(backend: &Backend, ctx: &OpCtx, volume: VolumeId) -> Result<Outcome<()>, Error> {
    backend.serve(ctx).await?;
    let _locked = backend.locks.lock(ctx, [(Key::Volume(volume), Hold::Alone)]).await?;
    backend.settle(ctx, volume).await?;
    let (name, dead) = (LvName::volume(volume), LvName::dead_volume(volume));
    let mut turn = backend.lvm.turn(ctx).await?;
    let found = turn.look_with(ctx, &[&name], Some(&Tag::of(volume))).await?;
    let Some(lv) = found.iter().find(|lv| lv.name == name && lv.is_ours()) else {
        // An earlier try may have come so far.
        let left = turn.look(ctx, &[&dead, &LvName::new_volume(volume)]).await?;
        drop(turn);
        for lv in left.iter().filter(|lv| lv.is_ours()) {
            bury(&backend.lvm, ctx, lv, wipes(backend, lv)).await?;
        }
        return Ok(if left.is_empty() { Outcome::Unchanged(()) } else { Outcome::Changed(()) });
    };
    check_unneeded(&found, volume)?;
    check_alone(lv)?;
    refuse_reverting(lv)?;
    backend.check_detached(volume).await?;
    if !wipes(backend, lv) {
        turn.remove(ctx, &name).await?;
        return Ok(Outcome::Changed(()));
    }
    if let Some(earlier) = turn.look_one(ctx, &dead).await? {
        drop(turn);
        bury(&backend.lvm, ctx, &earlier, true).await?;
        turn = backend.lvm.turn(ctx).await?;
    }
    let lv = turn.rename(ctx, &name, &dead).await?;
    drop(turn);
    bury(&backend.lvm, ctx, &lv, true).await.map_err(|error| error.midway(format!("deleting volume {volume}")))?;
    Ok(Outcome::Changed(()))
}

/// Whether a volume's bytes are overwritten before it is removed. Nobody gets to see those of a thin one in any case.
fn wipes(backend: &Backend, lv: &Lv) -> bool {
    backend.config.wipe_on_delete && !lv.thin
}

/// Removes what is dead already; overwrites it before, where that is asked for.
pub(crate) async fn bury(lvm: &Lvm, ctx: &OpCtx, dead: &Lv, wipe: bool) -> Result<(), Error> {
    if wipe {
        if !dead.active {
            lvm.turn(ctx).await?.activate(ctx, &dead.name).await?;
        }
        data::zero(ctx, &dead.device, 0..dead.extents.bytes()).await?;
    }
    lvm.turn(ctx).await?.remove(ctx, &dead.name).await
}

/// An error for a volume with snapshots.
pub(crate) fn check_unneeded(found: &[Lv], volume: VolumeId) -> Result<(), Error> {
    let of = Tag::of(volume);
    let is_snapshot = |lv: &&Lv| matches!(lv.name.ours(), Some(Ours::Snapshot(_))) && lv.tags.contains(&of);
    match found.iter().filter(is_snapshot).count() {
        0 => Ok(()),
        many => Err(Error::InUse { name: LvName::volume(volume).to_string(), by: format!("{many} snapshot(s) of it") }),
    }
}

/// An error for a thick volume with snapshots that people made: LVM would remove them, too.
fn check_alone(lv: &Lv) -> Result<(), Error> {
    if !lv.thick_origin {
        return Ok(());
    }
    Err(Error::InUse { name: lv.name.to_string(), by: "snapshots that Ashlar did not make; see `lvs`".to_owned() })
}

/// The same, by asking.
pub(crate) async fn check_no_snapshots(turn: &mut Turn<'_>, ctx: &OpCtx, volume: VolumeId) -> Result<Lv, Error> {
    let name = LvName::volume(volume);
    let found = turn.look_with(ctx, &[&name], Some(&Tag::of(volume))).await?;
    check_unneeded(&found, volume)?;
    found.iter().filter(|lv| lv.name == name).try_for_each(check_alone)?;
    found.into_iter().find(|lv| lv.name == name && lv.is_ours()).ok_or(Error::NoVolume(volume))
}
