//! `/volumes/{id}/encryption` and `/types/{id}/encryption`: nothing is encrypted yet, and Nova asks before each attach.

use ashlar_common::ids::TypeId;
use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{call::Call, error::ApiError, owned, state::ApiState};

pub(crate) async fn of_volume(State(api): State<ApiState>, call: Call) -> Result<Json<Value>, ApiError> {
    owned::volume(&mut api.store().look().await?, &call.who, call.volume()?).await?;
    Ok(Json(json!({ "encryption_key_id": null })))
}

pub(crate) async fn of_type(State(api): State<ApiState>, call: Call) -> Result<Json<Value>, ApiError> {
    let id: TypeId = call.id("volume type")?;
    let kind = api.store().look().await?.volume_type(id).await?;
    kind.map(|_| Json(json!({}))).ok_or_else(|| ApiError::not_found("volume type", id))
}
