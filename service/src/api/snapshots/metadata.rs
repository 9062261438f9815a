//! `/snapshots/{id}/metadata`.

use ashlar_common::store::records::Metadata;
use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Value, json};

use super::edit::edit;
use crate::api::{
    body::Body,
    call::Call,
    error::ApiError,
    metadata::{Edit, view_one},
    owned,
    state::ApiState,
};

pub(crate) async fn list(State(api): State<ApiState>, call: Call) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!({ "metadata": read(&api, &call).await? })))
}

pub(crate) async fn show(State(api): State<ApiState>, call: Call) -> Result<Json<Value>, ApiError> {
    Ok(Json(view_one(&read(&api, &call).await?, call.param("key"))?))
}

pub(crate) async fn merge(State(api): State<ApiState>, call: Call, body: Body) -> Result<Json<Value>, ApiError> {
    let metadata = apply(&api, &call, Edit::read(body, Edit::Merge)?).await?;
    Ok(Json(json!({ "metadata": metadata })))
}

pub(crate) async fn replace(State(api): State<ApiState>, call: Call, body: Body) -> Result<Json<Value>, ApiError> {
    let metadata = apply(&api, &call, Edit::read(body, Edit::Replace)?).await?;
    Ok(Json(json!({ "metadata": metadata })))
}

pub(crate) async fn set(State(api): State<ApiState>, call: Call, body: Body) -> Result<Json<Value>, ApiError> {
    let metadata = apply(&api, &call, Edit::read_one(body, call.param("key"))?).await?;
    Ok(Json(view_one(&metadata, call.param("key"))?))
}

pub(crate) async fn remove(State(api): State<ApiState>, call: Call) -> Result<StatusCode, ApiError> {
    apply(&api, &call, Edit::Remove(call.param("key").to_owned())).await?;
    Ok(StatusCode::OK)
}

async fn read(api: &ApiState, call: &Call) -> Result<Metadata, ApiError> {
    let id = call.id("snapshot")?;
    let mut tx = api.store().read().await?;
    Ok(owned::snapshot(&mut tx, &call.who, id).await?.metadata)
}

async fn apply(api: &ApiState, call: &Call, change: Edit) -> Result<Metadata, ApiError> {
    let snapshot = edit(api, call, call.id("snapshot")?, |snapshot| change.apply(&mut snapshot.metadata)).await?;
    Ok(snapshot.metadata)
}
