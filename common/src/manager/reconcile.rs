//! Comparing what the records say with what the backend holds.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    driver::{Driver, OpCtx},
    ids::{BackendName, SnapshotId, VolumeId},
    state::{SnapshotState, VolumeState},
    store::Store,
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

/// Compares one backend with its records.
///
/// # Errors
/// When either does not answer.
pub async fn differences(
    store: &Store,
    driver: &dyn Driver,
    backend: &BackendName,
    ctx: &OpCtx,
) -> Result<Differences, Error> {
    // The backend first: what is made meanwhile then has a record, and is not taken for an orphan.
    let inventory = driver.list(ctx).await.map_err(Error::Backend)?;
    let mut tx = store.read().await?;
    let volumes = tx.volumes_on(backend).await?;
    let snapshots = tx.snapshots_on(backend).await?;
    drop(tx);

    let known_volumes: BTreeSet<VolumeId> = volumes.iter().map(|volume| volume.id).collect();
    let known_snapshots: BTreeSet<SnapshotId> = snapshots.iter().map(|snapshot| snapshot.id).collect();
    let mut found = Differences::default();
    for held in &inventory.volumes {
        if !known_volumes.contains(&held.volume.id) {
            found.orphan_volumes.push(held.volume.id);
        }
    }
    for held in &inventory.snapshots {
        if !known_snapshots.contains(&held.snapshot.id) {
            found.orphan_snapshots.push(held.snapshot.id);
        }
    }
    for volume in volumes.iter().filter(|volume| volume.state == VolumeState::Available) {
        match inventory.volumes.iter().find(|held| held.volume.id == volume.id) {
            None => found.missing_volumes.push(volume.id),
            Some(held) if held.size != volume.size => found.wrong_size.push(volume.id),
            Some(_) => {}
        }
    }
    let held_snapshots: BTreeSet<SnapshotId> = inventory.snapshots.iter().map(|held| held.snapshot.id).collect();
    for snapshot in snapshots.iter().filter(|snapshot| snapshot.state == SnapshotState::Available) {
        if !held_snapshots.contains(&snapshot.id) {
            found.missing_snapshots.push(snapshot.id);
        }
    }
    Ok(found)
}
