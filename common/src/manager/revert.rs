//! Going back to a snapshot.

use super::{
    intake::{Intake, Requester, own_snapshot, own_volume},
    refusal::{Refusal, Result},
};
use crate::{
    ids::{SnapshotId, VolumeId},
    state::{SnapshotState, Status, VolumeEvent},
    store::records::Work,
};

impl Intake {
    /// Takes in putting a volume back to one of its snapshots.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed.
    pub async fn revert_volume(&self, who: &Requester, id: VolumeId, snapshot_id: SnapshotId) -> Result<()> {
        let (now, op) = (self.store.now(), self.store.id());
        let mut tx = self.store.write().await?;
        let mut volume = own_volume(&mut tx, who, id).await?;
        let snapshot = own_snapshot(&mut tx, who, snapshot_id).await?;
        if snapshot.volume_id != id {
            return Err(Refusal::Invalid(format!("snapshot {snapshot_id} is not of volume {id}")));
        }
        if snapshot.state != SnapshotState::Available {
            return Err(Refusal::state("snapshot", snapshot_id, format!("is {}, not available", snapshot.status)));
        }
        if volume.status != Status::Available {
            return Err(Refusal::state("volume", id, format!("is {}: detach it first", volume.status)));
        }
        let backend = snapshot.place.backend.clone();
        let can = tx.host(&backend).await?.is_some_and(|host| host.capabilities.revert);
        if !can {
            return Err(Refusal::Invalid(format!("backend {backend} cannot revert volumes to snapshots")));
        }
        let event = VolumeEvent::Revert(op);
        volume.state = volume.state.on(&event).map_err(|refused| Refusal::event("volume", id, &refused))?;
        tx.update_volume(&mut volume, now).await?;
        self.submit(tx, op, backend, who, Work::RevertVolume { snapshot: snapshot.reference() }, now).await
    }
}
