//! Making a volume from a snapshot.

use super::{
    create::Origin,
    intake::{Intake, Requester, own_snapshot},
    refusal::{Refusal, Result},
};
use crate::{
    ids::SnapshotId,
    state::SnapshotState,
    store::{Tx, records::Work},
};

impl Intake {
    /// What a snapshot means for the volume made from it. A copy stays in the pool of its source.
    pub(super) async fn origin_snapshot(&self, tx: &mut Tx, who: &Requester, id: SnapshotId) -> Result<Origin> {
        let snapshot = own_snapshot(tx, who, id).await?;
        if snapshot.state != SnapshotState::Available {
            let message = format!("is {}: a volume can be made from an available snapshot only", snapshot.status);
            return Err(Refusal::state("snapshot", id, message));
        }
        let volume = tx.volume(snapshot.volume_id).await?;
        let source = snapshot.reference();
        Ok(Origin {
            least: snapshot.size,
            only: Some((snapshot.place.backend, snapshot.place.pool)),
            zone: volume.as_ref().map(|volume| volume.availability_zone.clone()),
            type_id: volume.as_ref().and_then(|volume| volume.type_id),
            bootable: volume.is_some_and(|volume| volume.bootable),
            work: Box::new(|spec| Work::CreateFromSnapshot { spec, source }),
        })
    }
}
