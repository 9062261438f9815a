//! `GET`, `PUT` and `DELETE /snapshots/{id}`.

use ashlar_common::{ids::SnapshotId, store::records::SnapshotRecord};
use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Value, json};

use super::view;
use crate::api::{body::Body, call::Call, error::ApiError, owned, state::ApiState};

pub(crate) async fn show(State(api): State<ApiState>, call: Call) -> Result<Json<Value>, ApiError> {
    let id = call.id("snapshot")?;
    let mut tx = api.store().read().await?;
    let snapshot = owned::snapshot(&mut tx, &call.who, id).await?;
    Ok(Json(json!({ "snapshot": view::detail(&snapshot, call.version) })))
}

pub(crate) async fn update(State(api): State<ApiState>, call: Call, body: Body) -> Result<Json<Value>, ApiError> {
    let id = call.id("snapshot")?;
    let mut asked = body.object("snapshot")?;
    let named = asked.has("name") || asked.has("display_name");
    let described = asked.has("description") || asked.has("display_description");
    let (name, description) = (asked.name()?, asked.description()?);
    asked.finish()?;
    if !named && !described {
        return Err(ApiError::bad_request("nothing to change: give a name or a description"));
    }
    let snapshot = edit(&api, &call, id, |snapshot| {
        if named {
            snapshot.name = name;
        }
        if described {
            snapshot.description = description;
        }
        Ok(())
    })
    .await?;
    Ok(Json(json!({ "snapshot": view::made(&snapshot, call.version) })))
}

pub(crate) async fn delete(State(api): State<ApiState>, call: Call) -> Result<StatusCode, ApiError> {
    api.intake().delete_snapshot(&call.who, call.id("snapshot")?).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Changes what a user may change of a snapshot, in one transaction.
pub(super) async fn edit(
    api: &ApiState,
    call: &Call,
    id: SnapshotId,
    change: impl FnOnce(&mut SnapshotRecord) -> Result<(), ApiError>,
) -> Result<SnapshotRecord, ApiError> {
    let mut tx = api.store().write().await?;
    let mut snapshot = owned::snapshot(&mut tx, &call.who, id).await?;
    change(&mut snapshot)?;
    tx.update_snapshot(&mut snapshot, api.store().now()).await?;
    tx.commit().await?;
    Ok(snapshot)
}
