//! Comparing what the records say with what the backend holds.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{
    driver::{Driver, OpCtx},
    ids::{BackendName, SnapshotId, VolumeId},
    state::{SnapshotState, VolumeState},
    store::{
        Store,
        records::{SnapshotRecord, VolumeRecord},
    },
};

/// Where records and backend differ, operations under way left aside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Differences {
    /// Volumes on the backend that no record knows.
    pub orphan_volumes: Vec<VolumeId>,
    /// Snapshots on the backend that no record knows.
    pub orphan_snapshots: Vec<SnapshotId>,
    /// Volumes that are recorded as there, and are not.
    pub missing_volumes: Vec<VolumeId>,
    /// Snapshots that are recorded as there, and are not.
    pub missing_snapshots: Vec<SnapshotId>,
    /// Volumes whose recorded size is not their size.
    pub wrong_size: Vec<VolumeId>,
}

impl Differences {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Why the comparison could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    /// The backend does not answer.
    #[error("the backend does not list what it holds: {0}")]
    Backend(crate::driver::Error),
}

/// Compares one backend with its records. Neither stands still meanwhile, so each difference is looked at again
/// before it counts.
///
/// # Errors
/// When either does not answer.
pub async fn differences(
    store: &Store,
    driver: &dyn Driver,
    backend: &BackendName,
    ctx: &OpCtx,
) -> Result<Differences, Error> {
    let inventory = driver.list(ctx).await.map_err(Error::Backend)?;
    let mut tx = store.read().await?;
    let volumes = tx.volumes_on(backend).await?;
    let snapshots = tx.snapshots_on(backend).await?;
    drop(tx);

    let known_volumes: BTreeSet<VolumeId> = volumes.iter().map(|volume| volume.id).collect();
    let known_snapshots: BTreeSet<SnapshotId> = snapshots.iter().map(|snapshot| snapshot.id).collect();
    let mut found = Differences::default();
    for held in inventory.volumes.iter().filter(|held| !known_volumes.contains(&held.volume.id)) {
        let there = driver.inspect(ctx, &held.volume).await.map_err(Error::Backend)?.is_some();
        if there && store.read().await?.volume(held.volume.id).await?.is_none() {
            found.orphan_volumes.push(held.volume.id);
        }
    }
    for held in inventory.snapshots.iter().filter(|held| !known_snapshots.contains(&held.snapshot.id)) {
        let there = driver.inspect_snapshot(ctx, &held.snapshot).await.map_err(Error::Backend)?.is_some();
        if there && store.read().await?.snapshot(held.snapshot.id).await?.is_none() {
            found.orphan_snapshots.push(held.snapshot.id);
        }
    }
    let sizes: BTreeMap<VolumeId, _> = inventory.volumes.iter().map(|held| (held.volume.id, held.size)).collect();
    for volume in volumes.iter().filter(|volume| volume.state == VolumeState::Available) {
        if sizes.get(&volume.id) != Some(&volume.size) {
            compare_volume(store, driver, ctx, volume, &mut found).await?;
        }
    }
    let held: BTreeSet<SnapshotId> = inventory.snapshots.iter().map(|held| held.snapshot.id).collect();
    for snapshot in snapshots.iter().filter(|snapshot| snapshot.state == SnapshotState::Available) {
        if !held.contains(&snapshot.id) {
            compare_snapshot(store, driver, ctx, snapshot, &mut found).await?;
        }
    }
    Ok(found)
}

/// Looks again at a volume that seemed to differ: the record before and after the backend, so that a change of both in
/// between is no difference.
async fn compare_volume(
    store: &Store,
    driver: &dyn Driver,
    ctx: &OpCtx,
    volume: &VolumeRecord,
    found: &mut Differences,
) -> Result<(), Error> {
    let Some((_, reference)) = volume.placed() else { return Ok(()) };
    let before = store.read().await?.volume(volume.id).await?;
    let held = driver.inspect(ctx, &reference).await.map_err(Error::Backend)?;
    let after = store.read().await?.volume(volume.id).await?;
    let steady = before.zip(after).filter(|(before, after)| {
        before.state == after.state && before.size == after.size && after.state == VolumeState::Available
    });
    match (steady, held) {
        (Some(_), None) => found.missing_volumes.push(volume.id),
        (Some((_, record)), Some(held)) if held.size != record.size => found.wrong_size.push(volume.id),
        _ => {}
    }
    Ok(())
}

/// Looks again at a snapshot that seemed to be missing, likewise.
async fn compare_snapshot(
    store: &Store,
    driver: &dyn Driver,
    ctx: &OpCtx,
    snapshot: &SnapshotRecord,
    found: &mut Differences,
) -> Result<(), Error> {
    let held = driver.inspect_snapshot(ctx, &snapshot.reference()).await.map_err(Error::Backend)?;
    let record = store.read().await?.snapshot(snapshot.id).await?;
    if held.is_none() && record.is_some_and(|record| record.state == SnapshotState::Available) {
        found.missing_snapshots.push(snapshot.id);
    }
    Ok(())
}
