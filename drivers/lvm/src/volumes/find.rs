//! Volumes and snapshots as they are.

use std::collections::BTreeMap;

use ashlar_common::{
    driver::{Inventory, OpCtx, Snapshot, SnapshotRef, Volume, VolumeRef},
    ids::{SnapshotId, VolumeId},
};

use crate::{
    backend::Backend,
    error::Error,
    lvm::{Lv, Turn},
    names::{LvName, Ours, Tag},
    snapshots::{GROUP, finish_swap, snapshot},
};

/// The intent of a new volume that is to take an old one's name. It is whole: where the old one has lost its name
/// already, this one is the volume.
pub(crate) const SWAP: &str = "swap";

/// What is a whole volume or snapshot only when more is done.
pub(crate) fn hidden(lv: &Lv) -> bool {
    lv.intent().is_some_and(|intent| intent.starts_with(GROUP))
}

/// The logical volume that is this volume, among those of its names.
pub(crate) fn present(found: &[Lv], volume: VolumeId) -> Option<&Lv> {
    let of = |name: LvName| found.iter().find(move |lv| lv.name == name && lv.is_ours());
    of(LvName::volume(volume)).or_else(|| of(LvName::new_volume(volume)).filter(|lv| lv.intent() == Some(SWAP)))
}

/// The volume, for a call that changes it.
///
/// # Errors
/// [`Error::NoVolume`], and those of [`Turn::look`].
pub(crate) async fn need(turn: &mut Turn<'_>, ctx: &OpCtx, volume: VolumeId) -> Result<Lv, Error> {
    if let Some(lv) = turn.look_one(ctx, &LvName::volume(volume)).await?.filter(Lv::is_ours) {
        return Ok(lv);
    }
    // A revert may have been stopped between the two names.
    match turn.look_one(ctx, &LvName::new_volume(volume)).await? {
        Some(lv) if lv.is_ours() && lv.intent() == Some(SWAP) => finish_swap(turn, ctx, volume).await,
        _ => Err(Error::NoVolume(volume)),
    }
}

/// The contract's `inspect`.
pub(crate) async fn inspect(backend: &Backend, ctx: &OpCtx, volume: VolumeId) -> Result<Option<Volume>, Error> {
    // Both names in one look: while a swap is under way, only the two tell whether the volume is there.
    let names = [LvName::volume(volume), LvName::new_volume(volume)];
    let found = backend.lvm.look(ctx, &[&names[0], &names[1]]).await?;
    match present(&found, volume) {
        Some(lv) => Ok(Some(backend.volume(volume, lv).await)),
        None => Ok(None),
    }
}

/// The contract's `list`.
pub(crate) async fn list(backend: &Backend, ctx: &OpCtx) -> Result<Inventory, Error> {
    let found = backend.lvm.lvs(ctx).await?;
    let (mut volumes, mut snapshots) = (BTreeMap::new(), BTreeMap::<SnapshotId, Snapshot>::new());
    for lv in found.iter().filter(|lv| lv.is_ours()) {
        match lv.name.ours() {
            Some(Ours::Volume(id) | Ours::New(id)) => {
                if let Some(lv) = present(&found, id)
                    && !volumes.contains_key(&id)
                {
                    volumes.insert(id, backend.volume(id, lv).await);
                }
            }
            Some(Ours::Snapshot(id)) if !hidden(lv) => {
                let Some(of) = lv.tags.iter().find_map(Tag::as_of) else { continue };
                let volume = VolumeRef { id: of, pool: backend.config.pool.clone() };
                snapshots.insert(id, snapshot(SnapshotRef { id, volume }, lv));
            }
            Some(Ours::Snapshot(_) | Ours::Dead(_)) | None => {}
        }
    }
    Ok(Inventory { volumes: volumes.into_values().collect(), snapshots: snapshots.into_values().collect() })
}
