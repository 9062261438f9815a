//! Images in and out.

use ashlar_common::driver::{ImageFile, OpCtx, Outcome, VolumeRef, VolumeSpec};

use crate::{backend::Backend, error::Error, lvm::Lv};

/// A volume that holds an image.
pub async fn copy_image_to_volume(_: &Backend, _: &OpCtx, _: &VolumeSpec, _: &ImageFile) -> Result<Outcome<Lv>, Error> {
    Err(Error::Unsupported("images are not there yet".to_owned()))
}

/// A volume's bytes in a file.
pub async fn copy_volume_to_image(_: &Backend, _: &OpCtx, _: &VolumeRef, _: &ImageFile) -> Result<Outcome<()>, Error> {
    Err(Error::Unsupported("images are not there yet".to_owned()))
}
