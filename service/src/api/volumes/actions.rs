//! Actions on the volume itself.

use ashlar_common::{image::ImageFormat, state::Status};
use serde_json::json;

use super::{
    action::{Action, Done},
    edit::edit,
};
use crate::api::{
    error::ApiError,
    microversion::{EXTEND_IN_USE, REVERT},
    owned, time,
};

pub(super) async fn extend(mut action: Action<'_>) -> Result<Done, ApiError> {
    let size = action.given.size("new_size")?.ok_or_else(|| action.given.wrong("new_size", "is required"))?;
    action.given.finish()?;
    let online = action.call.version.has(EXTEND_IN_USE);
    action.api.intake().extend_volume(&action.call.who, action.volume, size, online).await?;
    Ok(Done::Accepted)
}

pub(super) async fn revert(mut action: Action<'_>) -> Result<Done, ApiError> {
    action.call.needs(REVERT)?;
    let snapshot = action.given.required_id("snapshot_id")?;
    action.given.finish()?;
    action.api.intake().revert_volume(&action.call.who, action.volume, snapshot).await?;
    Ok(Done::Accepted)
}

pub(super) async fn reset_status(mut action: Action<'_>) -> Result<Done, ApiError> {
    let status = action.given.line("status")?;
    // Nothing migrates, so to forget a migration is done already.
    let migration = action.given.line("migration_status")?;
    if migration.as_ref().is_some_and(|status| status != "none") {
        return Err(action.given.wrong("migration_status", "can be none only: volumes do not migrate here"));
    }
    if action.given.line("attach_status")?.is_some() {
        return Err(action.given.wrong("attach_status", "cannot be set: end the volume's attachments instead"));
    }
    if status.is_none() && migration.is_some() {
        action.given.finish()?;
        return Ok(Done::Accepted);
    }
    let status: Status = status
        .and_then(|word| word.to_lowercase().parse().ok())
        .filter(|status| !matches!(status, Status::Deleted))
        .ok_or_else(|| action.given.wrong("status", "must be a volume's status, such as available or error"))?;
    action.given.finish()?;
    action.api.intake().reset_volume_status(&action.call.who, action.volume, status).await?;
    Ok(Done::Accepted)
}

/// `os-force_delete`: in whatever status an administrator left the volume, which deleting minds as little.
pub(super) async fn delete(action: Action<'_>) -> Result<Done, ApiError> {
    action.given.finish()?;
    action.api.intake().delete_volume(&action.call.who, action.volume, false).await?;
    Ok(Done::Accepted)
}

pub(super) async fn set_bootable(mut action: Action<'_>) -> Result<Done, ApiError> {
    let bootable = action.given.flag("bootable")?.ok_or_else(|| action.given.wrong("bootable", "is required"))?;
    action.given.finish()?;
    edit(action.api, action.call, action.volume, |volume| {
        volume.bootable = bootable;
        Ok(())
    })
    .await?;
    Ok(Done::Finished)
}

pub(super) async fn upload(mut action: Action<'_>) -> Result<Done, ApiError> {
    let given = &mut action.given;
    let image_name = given.required_line("image_name")?;
    let force = given.flag("force")?.unwrap_or(false);
    let container = given.line("container_format")?.unwrap_or_else(|| "bare".to_owned());
    if container != "bare" {
        return Err(given.wrong("container_format", "must be bare"));
    }
    let disk_format = given.line("disk_format")?.unwrap_or_else(|| "raw".to_owned());
    let format = match disk_format.as_str() {
        "raw" => ImageFormat::Raw,
        "qcow2" => ImageFormat::Qcow2,
        _ => return Err(given.wrong("disk_format", "must be raw or qcow2")),
    };
    // Who may see an image is the image service's business; the store here knows no others.
    given.ignore(&["visibility", "protected"]);
    action.given.finish()?;
    let (api, who) = (action.api, &action.call.who);
    let image = api.intake().upload_volume(who, action.volume, image_name.clone(), format, force).await?;
    let mut tx = api.store().read().await?;
    let volume = owned::volume(&mut tx, who, action.volume).await?;
    let kind = match volume.type_id {
        Some(id) => tx.volume_type(id).await?,
        None => None,
    };
    Ok(Done::Started(json!({ "os-volume_upload_image": {
        "id": volume.id.to_string(),
        "updated_at": time::value(volume.updated_at),
        "status": "uploading",
        "display_description": volume.description,
        "size": volume.size.gib_ceil(),
        "volume_type": kind.as_ref().map(crate::api::types::view::short),
        "image_id": image.to_string(),
        "container_format": container,
        "disk_format": disk_format,
        "image_name": image_name,
    }})))
}
