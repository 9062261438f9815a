//! Taking snapshots.

use super::{
    intake::{Intake, Requester, own_volume},
    refusal::{Refusal, Result},
};
use crate::{
    ids::VolumeId,
    state::{SnapshotState, Status, VolumeState},
    store::records::{Metadata, Place, SnapshotRecord, Work},
};

/// A snapshot to be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the Block Storage API")]
pub struct NewSnapshot {
    pub volume: VolumeId,
    pub name: Option<String>,
    pub description: Option<String>,
    pub metadata: Metadata,
    /// The volume may be in use.
    pub force: bool,
}

impl Intake {
    /// Takes in a snapshot of a volume.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was recorded.
    pub async fn create_snapshot(&self, who: &Requester, new: NewSnapshot) -> Result<SnapshotRecord> {
        let (now, op) = (self.store.now(), self.store.id());
        let mut tx = self.store.write().await?;
        let volume = own_volume(&mut tx, who, new.volume).await?;
        let held = volume.state == VolumeState::Available && volume.status != Status::Available;
        if held && !new.force {
            let message = format!("is {}: ask with force to take a snapshot of a volume in use", volume.status);
            return Err(Refusal::state("volume", volume.id, message));
        }
        let placed = volume.placed().filter(|_| volume.state == VolumeState::Available);
        let Some((backend, reference)) = placed else {
            let message = format!("is {}: a snapshot can be taken of a volume at rest or in use only", volume.status);
            return Err(Refusal::state("volume", volume.id, message));
        };
        let state = SnapshotState::Creating(op);
        let snapshot = SnapshotRecord {
            id: self.store.id(),
            volume_id: volume.id,
            project_id: who.project_id.clone(),
            user_id: who.user_id.clone(),
            name: new.name,
            description: new.description,
            size: volume.size,
            status: state.status(),
            state,
            place: Place { backend: backend.clone(), pool: reference.pool },
            metadata: new.metadata,
            created_at: now,
            updated_at: None,
        };
        tx.insert_snapshot(&snapshot).await?;
        self.submit(tx, op, backend, who, Work::CreateSnapshot { snapshot: snapshot.reference() }, now).await?;
        Ok(snapshot)
    }
}
