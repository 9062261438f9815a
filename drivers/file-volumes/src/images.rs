//! Images in and out.

use ashlar_common::{
    driver::{self, ImageFile, OpCtx, Outcome, Volume, VolumeSpec},
    ids::VolumeId,
    image,
};

use crate::{
    error::Error,
    layout,
    record::{Origin, Record},
    stage::Stage,
    store::FileStore,
    volumes::{Begun, readable},
};

impl FileStore {
    /// Makes a volume that holds an image.
    ///
    /// # Errors
    /// `Invalid` for a hostile or too large image, `Conflict`, `OutOfSpace`.
    pub async fn copy_image_to_volume(
        &self,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        image: &ImageFile,
    ) -> driver::Result<Outcome<Volume>> {
        let wanted = spec.clone();
        let begun = self
            .work(ctx, move |inner, ctx| {
                let begun = inner.begin(ctx, &wanted, Origin::Image)?;
                if let Begun::New(making) = &begun {
                    inner.filler.size(&making.data, wanted.size, &layout::volume(wanted.volume.id))?;
                }
                Ok(begun)
            })
            .await?;
        let making = match begun {
            Begun::There(volume) => return Ok(Outcome::Unchanged(volume)),
            Begun::New(making) => making,
        };
        image::copy_into(ctx, image, &making.data, spec.size).await?;
        let spec = spec.clone();
        self.work(ctx, move |inner, ctx| inner.finish(ctx, &spec, Origin::Image, making)).await
    }

    /// Writes a volume's bytes of one instant to an image file.
    ///
    /// # Errors
    /// `NotFound` without the volume; `Busy` if it is attached and files cannot share blocks.
    pub async fn copy_volume_to_image(
        &self,
        ctx: &OpCtx,
        volume: VolumeId,
        image: &ImageFile,
    ) -> driver::Result<Outcome<()>> {
        let Some(locked) = self.lock_volume(ctx, volume).await? else { return Err(Error::NoVolume(volume).into()) };
        // Where blocks are shared, a clone in `tmp/` is read and the volume goes on at once; elsewhere its lock is
        // kept, so that nobody attaches and writes while it is read.
        let (data, size, _kept) = self
            .work(ctx, move |inner, ctx| {
                inner.refuse_copy(volume)?;
                let (data, size) = readable(&locked.dir)?;
                if !inner.filler.reflink {
                    return Ok((data, size, (Some(locked), None)));
                }
                let name = layout::volume(volume);
                let stage = Stage::begin(&inner.root, ctx, &name, Record::Volume(Origin::Volume(volume)))?;
                let twin = stage.data()?;
                inner.filler.copy(ctx, &data, &twin, size, &name)?;
                Ok((twin, size, (None, Some(stage))))
            })
            .await?;
        image::copy_out_of(ctx, &data, size, image, None).await?;
        Ok(Outcome::Changed(()))
    }
}
