//! Making a volume from an image.

use super::{
    create::Origin,
    intake::Intake,
    refusal::{Refusal, Result},
};
use crate::{ids::ImageId, store::records::Work};

impl Intake {
    /// What an image means for the volume made from it. Its header is checked here, so that a hostile image is refused
    /// at once, and again by the driver, since the file may have changed.
    pub(super) async fn image(&self, id: ImageId) -> Result<Origin> {
        let Some(images) = self.images.clone() else {
            let why = "this service has no images: set [images] directory in its configuration file";
            return Err(Refusal::Invalid(why.to_owned()));
        };
        let found = tokio::task::spawn_blocking(move || images.find(id))
            .await
            .map_err(|error| Refusal::Invalid(format!("image {id} cannot be inspected: {error}")))?;
        let (image, header) = found
            .map_err(|error| Refusal::Invalid(format!("image {id} cannot be used: {error}")))?
            .ok_or_else(|| Refusal::not_found("image", id))?;
        Ok(Origin {
            least: header.virtual_size,
            only: None,
            zone: None,
            type_id: None,
            bootable: true,
            work: Box::new(move |spec| Work::ImageIn { spec, image: id, format: image.format }),
        })
    }
}
