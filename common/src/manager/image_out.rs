//! Writing a volume to an image.

use super::{
    intake::{Intake, Requester, own_volume},
    refusal::{Refusal, Result},
};
use crate::{
    ids::{ImageId, VolumeId},
    image::ImageFormat,
    state::{Status, VolumeEvent},
    store::records::Work,
};

impl Intake {
    /// Takes in the writing of a volume to a new image. With `force`, the volume may be in use.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed.
    pub async fn upload_volume(
        &self,
        who: &Requester,
        id: VolumeId,
        image_name: String,
        format: ImageFormat,
        force: bool,
    ) -> Result<ImageId> {
        if self.images.is_none() {
            let why = "this service has nowhere to put images: set [images] directory in its configuration file";
            return Err(Refusal::Invalid(why.to_owned()));
        }
        let (now, op, image) = (self.store.now(), self.store.id(), self.store.id());
        let mut tx = self.store.write().await?;
        let mut volume = own_volume(&mut tx, who, id).await?;
        if volume.status != Status::Available && !(force && volume.status == Status::InUse) {
            let message = format!("is {}: detach it first, or ask with force while it is in use", volume.status);
            return Err(Refusal::state("volume", id, message));
        }
        let (backend, reference) =
            volume.placed().ok_or_else(|| Refusal::state("volume", id, "was never made on a backend"))?;
        let event = VolumeEvent::Upload(op);
        volume.state = volume.state.on(&event).map_err(|refused| Refusal::event("volume", id, &refused))?;
        tx.update_volume(&mut volume, now).await?;
        let work = Work::ImageOut { volume: reference, image, format, name: image_name };
        self.submit(tx, op, backend, who, work, now).await?;
        Ok(image)
    }
}
