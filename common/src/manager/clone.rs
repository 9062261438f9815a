//! Making a volume from another volume.

use super::{
    create::Origin,
    intake::{Intake, Requester, own_volume},
    refusal::{Refusal, Result},
};
use crate::{
    ids::VolumeId,
    state::VolumeState,
    store::{Tx, records::Work},
};

impl Intake {
    /// What a volume means for the one cloned from it. It may be in use; a backend that cannot freeze it then refuses.
    pub(super) async fn origin_volume(&self, tx: &mut Tx, who: &Requester, id: VolumeId) -> Result<Origin> {
        let volume = own_volume(tx, who, id).await?;
        let placed = volume.placed().filter(|_| volume.state == VolumeState::Available);
        let Some((backend, source)) = placed else {
            let message = format!("is {}: only a volume at rest can be cloned", volume.status);
            return Err(Refusal::state("volume", id, message));
        };
        Ok(Origin {
            least: volume.size,
            only: Some((backend, source.pool.clone())),
            zone: Some(volume.availability_zone),
            type_id: volume.type_id,
            bootable: volume.bootable,
            work: Box::new(|spec| Work::CloneVolume { spec, source }),
        })
    }
}
