//! The driver call of each operation.

use super::image_store::ImageStore;
use crate::{
    driver::{ConnectionInfo, Detach, Driver, Error, Kind, OpCtx, Result},
    points::Point,
    store::{Store, records::Work},
};

/// What a driver call brought that the record must keep.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Effect {
    /// Nothing but its being done.
    Done,
    /// How the client reaches the volume.
    Connected(ConnectionInfo),
}

/// Makes the call. Repeating it is always right: that is the contract.
pub(super) async fn perform(
    store: &Store,
    driver: &dyn Driver,
    images: Option<&ImageStore>,
    ctx: &OpCtx,
    work: &Work,
) -> Result<Effect> {
    match work {
        Work::CreateVolume { spec } => drop(driver.create(ctx, spec).await?),
        Work::CreateFromSnapshot { spec, source } => drop(driver.create_from_snapshot(ctx, spec, source).await?),
        Work::CloneVolume { spec, source } => drop(driver.clone_volume(ctx, spec, source).await?),
        Work::ImageIn { spec, image, format } => {
            let image = image_store(images)?.file(*image, *format);
            driver.copy_image_to_volume(ctx, spec, &image).await?;
        }
        Work::ImageOut { volume, image, format, .. } => {
            let images = image_store(images)?;
            images.prepare().map_err(|error| Error::new(Kind::Fatal, error))?;
            driver.copy_volume_to_image(ctx, volume, &images.file(*image, *format)).await?;
        }
        Work::DeleteVolume { volume, snapshots } => {
            for snapshot in snapshots {
                driver.delete_snapshot(ctx, snapshot).await?;
                store.reached(Point::Between).await;
            }
            driver.delete(ctx, volume).await?;
        }
        Work::ExtendVolume { volume, to, attached: false, .. } => drop(driver.extend(ctx, volume, *to).await?),
        Work::ExtendVolume { volume, to, attached: true, .. } => {
            let online = driver.online_extend().ok_or_else(|| lacks("extend a volume in use"))?;
            online.extend_attached(ctx, volume, *to).await?;
        }
        Work::RevertVolume { snapshot } => {
            let revert = driver.revert().ok_or_else(|| lacks("revert to a snapshot"))?;
            revert.revert(ctx, snapshot).await?;
        }
        Work::CreateSnapshot { snapshot } => drop(driver.create_snapshot(ctx, snapshot).await?),
        Work::DeleteSnapshot { snapshot } => drop(driver.delete_snapshot(ctx, snapshot).await?),
        Work::Attach { volume, attachment } => {
            return Ok(Effect::Connected(driver.attach(ctx, volume, attachment).await?.into_inner()));
        }
        Work::Detach { volume, attachment } => drop(driver.detach(ctx, volume, Detach::One(*attachment)).await?),
    }
    Ok(Effect::Done)
}

fn image_store(images: Option<&ImageStore>) -> Result<&ImageStore> {
    images.ok_or_else(|| Error::new(Kind::Unsupported, "this host has no [images] directory in its configuration file"))
}

fn lacks(what: &str) -> Error {
    Error::new(Kind::Unsupported, format!("the driver can no longer {what}"))
}
