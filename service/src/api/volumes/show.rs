//! `GET /volumes/{id}`.

use ashlar_common::store::{Tx, records::VolumeRecord};
use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::view::{self, Shape};
use crate::api::{call::Call, error::ApiError, owned, state::ApiState};

pub(crate) async fn show(State(api): State<ApiState>, call: Call) -> Result<Json<Value>, ApiError> {
    let id = call.volume()?;
    let mut tx = api.store().read().await?;
    let volume = owned::volume(&mut tx, &call.who, id).await?;
    let attachments = tx.attachments_of(&[volume.id]).await?;
    let types = tx.volume_types().await?;
    let shape = Shape::new(&call, api.settings(), &types);
    Ok(Json(json!({ "volume": view::detail(&volume, attachments.iter(), &shape) })))
}

/// `{"volume": {...}}` after a volume was made or changed.
pub(super) async fn made(
    api: &ApiState,
    call: &Call,
    tx: &mut Tx,
    volume: &VolumeRecord,
) -> Result<Json<Value>, ApiError> {
    let attachments = tx.attachments_of(&[volume.id]).await?;
    let types = tx.volume_types().await?;
    let shape = Shape::new(call, api.settings(), &types);
    Ok(Json(json!({ "volume": view::made(volume, attachments.iter(), &shape) })))
}
