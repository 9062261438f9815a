//! Removing volumes and snapshots.

use jiff::Timestamp;

use super::{
    intake::{Intake, Requester, own_snapshot, own_volume},
    refusal::{Refusal, Result},
};
use crate::{
    ids::{OpId, SnapshotId, VolumeId},
    state::{SnapshotEvent, VolumeEvent},
    store::{
        Tx,
        records::{SnapshotRecord, Work},
    },
};

impl Intake {
    /// Takes in the removal of a volume; with `cascade`, of its snapshots too. What is being made from them comes first:
    /// operations on one thing are done in the order in which they were taken in.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed.
    pub async fn delete_volume(&self, who: &Requester, id: VolumeId, cascade: bool) -> Result<()> {
        let (now, op) = (self.store.now(), self.store.id());
        let mut tx = self.store.write().await?;
        let mut volume = own_volume(&mut tx, who, id).await?;
        if !tx.attachments_of(&[id]).await?.is_empty() {
            let message = format!("is {}: end its attachments first", volume.status);
            return Err(Refusal::state("volume", id, message));
        }
        let mut snapshots = tx.snapshots_of(id).await?;
        if !cascade && !snapshots.is_empty() {
            let message = format!("has {} snapshots: delete them first, or delete with cascade", snapshots.len());
            return Err(Refusal::state("volume", id, message));
        }
        volume.state =
            volume.state.on(&VolumeEvent::Delete(op)).map_err(|refused| Refusal::event("volume", id, &refused))?;
        let Some((backend, reference)) = volume.placed() else {
            // No pool ever fitted, so no backend knows of it.
            tx.remove_volume(id).await?;
            return self.record(tx).await;
        };
        for snapshot in &mut snapshots {
            deleting(&mut tx, snapshot, op, now).await?;
        }
        tx.update_volume(&mut volume, now).await?;
        let snapshots = snapshots.iter().map(SnapshotRecord::reference).collect();
        let work = Work::DeleteVolume { volume: reference, snapshots };
        self.submit(tx, op, backend, who, work, now).await
    }

    /// Takes in the removal of a snapshot.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed.
    pub async fn delete_snapshot(&self, who: &Requester, id: SnapshotId) -> Result<()> {
        let (now, op) = (self.store.now(), self.store.id());
        let mut tx = self.store.write().await?;
        let mut snapshot = own_snapshot(&mut tx, who, id).await?;
        deleting(&mut tx, &mut snapshot, op, now).await?;
        let backend = snapshot.place.backend.clone();
        self.submit(tx, op, backend, who, Work::DeleteSnapshot { snapshot: snapshot.reference() }, now).await
    }
}

async fn deleting(tx: &mut Tx, snapshot: &mut SnapshotRecord, op: OpId, now: Timestamp) -> Result<()> {
    let event = SnapshotEvent::Delete(op);
    snapshot.state = snapshot.state.on(&event).map_err(|refused| Refusal::event("snapshot", snapshot.id, &refused))?;
    Ok(tx.update_snapshot(snapshot, now).await?)
}
