//! An administrator's word on where a thing stands.

use super::{
    intake::{Intake, Requester, own_snapshot, own_volume},
    refusal::{Refusal, Result},
};
use crate::{
    ids::{SnapshotId, VolumeId},
    state::{SnapshotEvent, Status, VolumeEvent},
};

impl Intake {
    /// Sets a volume's status. An operation that is at work on it ends without effect on the record.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed.
    pub async fn reset_volume_status(&self, who: &Requester, id: VolumeId, status: Status) -> Result<()> {
        let mut tx = self.store.write().await?;
        let mut volume = own_volume(&mut tx, who, id).await?;
        let event = VolumeEvent::Reset(status);
        volume.state = volume.state.on(&event).map_err(|refused| Refusal::event("volume", id, &refused))?;
        tx.update_volume(&mut volume, self.store.now()).await?;
        self.record(tx).await
    }

    /// Sets a snapshot's status, likewise.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed.
    pub async fn reset_snapshot_status(&self, who: &Requester, id: SnapshotId, status: Status) -> Result<()> {
        let mut tx = self.store.write().await?;
        let mut snapshot = own_snapshot(&mut tx, who, id).await?;
        let event = SnapshotEvent::Reset(status);
        snapshot.state = snapshot.state.on(&event).map_err(|refused| Refusal::event("snapshot", id, &refused))?;
        tx.update_snapshot(&mut snapshot, self.store.now()).await?;
        self.record(tx).await
    }
}
