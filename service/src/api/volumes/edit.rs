//! `PUT` and `DELETE /volumes/{id}`.

use ashlar_common::{ids::VolumeId, store::records::VolumeRecord};
use axum::{extract::State, http::StatusCode, response::Response};

use super::show;
use crate::api::{body::Body, call::Call, error::ApiError, owned, state::ApiState};

pub(crate) async fn update(State(api): State<ApiState>, call: Call, body: Body) -> Result<Response, ApiError> {
    let id = call.volume()?;
    let mut asked = body.object("volume")?;
    let named = asked.has("name") || asked.has("display_name");
    let described = asked.has("description") || asked.has("display_description");
    let (name, description) = (asked.name()?, asked.description()?);
    let metadata = asked.metadata("metadata")?;
    asked.finish()?;
    if !named && !described && metadata.is_none() {
        return Err(ApiError::bad_request("nothing to change: give a name, a description or metadata"));
    }
    let volume = edit(&api, &call, id, |volume| {
        if named {
            volume.name = name;
        }
        if described {
            volume.description = description;
        }
        if let Some(metadata) = metadata {
            volume.metadata = metadata;
        }
        Ok(())
    })
    .await?;
    let mut tx = api.store().read().await?;
    let (attachments, kind) = (tx.attachments_of(&[volume.id]).await?, show::kind(&mut tx, &volume).await?);
    Ok(show::made(&api, &call, &volume, &attachments, kind.as_ref()))
}

pub(crate) async fn delete(State(api): State<ApiState>, mut call: Call) -> Result<StatusCode, ApiError> {
    let id = call.volume()?;
    let cascade = call.query.flag("cascade")?.unwrap_or(false);
    // Cinder's force is for volumes stuck in a transient status. None stays in one here, and what an administrator set
    // the status of may be deleted without it.
    call.query.flag("force")?;
    api.intake().delete_volume(&call.who, id, cascade).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Changes what a user may change of a volume, in one transaction.
pub(super) async fn edit(
    api: &ApiState,
    call: &Call,
    id: VolumeId,
    change: impl FnOnce(&mut VolumeRecord) -> Result<(), ApiError>,
) -> Result<VolumeRecord, ApiError> {
    let mut tx = api.store().write().await?;
    let mut volume = owned::volume(&mut tx, &call.who, id).await?;
    change(&mut volume)?;
    tx.update_volume(&mut volume, api.store().now()).await?;
    tx.commit().await?;
    Ok(volume)
}
