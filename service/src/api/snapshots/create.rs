//! `POST /snapshots`.

use ashlar_common::{ids::VolumeId, manager::NewSnapshot};
use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Value, json};

use super::view;
use crate::api::{
    body::Body,
    call::Call,
    error::ApiError,
    microversion::{FORCELESS_SNAPSHOT, Microversion},
    object::Object,
    state::ApiState,
};

pub(crate) async fn create(
    State(api): State<ApiState>,
    call: Call,
    body: Body,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let new = read(body, call.version)?;
    let snapshot = api.intake().create_snapshot(&call.who, new).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({ "snapshot": view::made(&snapshot, call.version) }))))
}

/// Null is a volume that is not there, as in Cinder; not to say any is a mistake.
fn volume(snapshot: &mut Object) -> Result<VolumeId, ApiError> {
    if snapshot.has("volume_id") && !snapshot.value_is_set("volume_id") {
        return Err(ApiError::not_found("volume", "null"));
    }
    snapshot.required_id("volume_id")
}

fn read(body: Body, version: Microversion) -> Result<NewSnapshot, ApiError> {
    let mut snapshot = body.object("snapshot")?;
    let asked_force = snapshot.flag("force")?;
    let force = if version.has(FORCELESS_SNAPSHOT) {
        if asked_force == Some(false) {
            return Err(snapshot.wrong("force", "cannot be false since 3.66: leave it out"));
        }
        true
    } else {
        asked_force.unwrap_or(false)
    };
    let new = NewSnapshot {
        volume: volume(&mut snapshot)?,
        name: snapshot.name()?,
        description: snapshot.description()?,
        metadata: snapshot.metadata("metadata")?.unwrap_or_default(),
        force,
    };
    snapshot.finish()?;
    Ok(new)
}
