//! `GET /volumes/{id}`.

use ashlar_common::store::{
    Tx,
    records::{AttachmentRecord, TypeRecord, VolumeRecord},
    volumes::WholeVolume,
};
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::view::{self, Shape, View};
use crate::api::{call::Call, error::ApiError, state::ApiState};

/// `{"volume": {...}}`, written straight from the record: this is what clients ask most.
#[derive(Serialize)]
struct Shown<'a> {
    volume: View<'a>,
}

pub(crate) async fn show(State(api): State<ApiState>, call: Call) -> Result<Response, ApiError> {
    let id = call.volume()?;
    let found = api.store().look().await?.whole_volume(id).await?;
    let WholeVolume { volume, kind, attachments } = found
        .filter(|found| found.volume.project_id == call.who.project_id)
        .ok_or_else(|| ApiError::not_found("volume", id))?;
    let shape = Shape::new(&call, api.settings(), kind.as_slice());
    Ok(Json(Shown { volume: view::detail(&volume, attachments.iter(), &shape) }).into_response())
}

/// The type of a volume.
///
/// # Errors
/// 503.
pub(super) async fn kind(tx: &mut Tx, volume: &VolumeRecord) -> Result<Option<TypeRecord>, ApiError> {
    match volume.type_id {
        Some(id) => Ok(tx.volume_type(id).await?),
        None => Ok(None),
    }
}

/// What create and update answer: `{"volume": {...}}` of what was made, with its attachments and its type.
pub(super) fn made(
    api: &ApiState,
    call: &Call,
    volume: &VolumeRecord,
    attachments: &[AttachmentRecord],
    kind: Option<&TypeRecord>,
) -> Response {
    let shape = Shape::new(call, api.settings(), kind.map_or(&[], std::slice::from_ref));
    Json(Shown { volume: view::made(volume, attachments.iter(), &shape) }).into_response()
}
