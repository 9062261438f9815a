//! Images, straight to devices and from them.

use ashlar_common::{
    bytes::{Target, Throttle},
    driver::{ImageFile, OpCtx},
    image,
};

use crate::{
    data,
    error::Error,
    lvm::{Lv, Lvm},
    names::LvName,
    thick::{Frozen, Home, New, make},
};

/// Makes a volume that holds an image. A thick one's old bytes are overwritten by the image and zeroed elsewhere, once;
/// of a thin one, nothing is written where the image has zeros.
///
/// # Errors
/// `Invalid` for a hostile, damaged or too large image, `OutOfSpace`, `Indeterminate` if stopped. Nothing is left.
pub async fn copy_image_to_volume(
    lvm: &Lvm,
    ctx: &OpCtx,
    new: &New,
    image: &ImageFile,
    throttle: Option<Throttle>,
) -> Result<Lv, Error> {
    let target = match new.home {
        Home::Thick => Target::ReadsAnything,
        Home::Thin(_) => Target::ReadsZero,
    };
    make(lvm, ctx, new, |room| async move {
        let device = data::blocking(ctx, move |_| data::open_to_change(&room.device)).await?;
        Ok(image::copy_onto(ctx, image, &device, new.size, target, throttle).await?)
    })
    .await
}

/// Writes a volume's bytes of one instant to an image; the volume may be attached and written to meanwhile.
///
/// # Errors
/// `NotFound`, `Busy` while the volume is being reverted, `OutOfSpace` also where a thick volume's snapshot does not fit,
/// `Indeterminate` if stopped.
pub async fn copy_volume_to_image(
    lvm: &Lvm,
    ctx: &OpCtx,
    volume: &LvName,
    image: &ImageFile,
    throttle: Option<Throttle>,
) -> Result<(), Error> {
    let frozen = Frozen::take(lvm, ctx, volume).await?;
    let room = frozen.room();
    let written = async {
        let source = data::blocking(ctx, move |_| data::open_to_read(&room.device)).await?;
        Ok(image::copy_out_of(ctx, &source, room.size, image, throttle).await?)
    };
    let written = written.await;
    frozen.end(ctx, written).await
}
