//! The `metadata` below a volume or a snapshot: one set of handlers for both.

use ashlar_common::store::records::Metadata;
use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Value, json};

use super::{
    body::Body,
    call::Call,
    error::ApiError,
    metadata::{Edit, view_one},
    state::ApiState,
};

/// What carries metadata.
pub(crate) trait Tagged {
    /// The metadata of the thing that the request's path names.
    fn read(api: &ApiState, call: &Call) -> impl Future<Output = Result<Metadata, ApiError>> + Send;

    /// Changes it; answers with what it then is.
    fn apply(api: &ApiState, call: &Call, change: Edit) -> impl Future<Output = Result<Metadata, ApiError>> + Send;
}

pub(crate) async fn list<T: Tagged>(State(api): State<ApiState>, call: Call) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!({ "metadata": T::read(&api, &call).await? })))
}

pub(crate) async fn show<T: Tagged>(State(api): State<ApiState>, call: Call) -> Result<Json<Value>, ApiError> {
    Ok(Json(view_one(&T::read(&api, &call).await?, call.param("key"))?))
}

pub(crate) async fn merge<T: Tagged>(
    State(api): State<ApiState>,
    call: Call,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let metadata = T::apply(&api, &call, Edit::read(body, Edit::Merge)?).await?;
    Ok(Json(json!({ "metadata": metadata })))
}

pub(crate) async fn replace<T: Tagged>(
    State(api): State<ApiState>,
    call: Call,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let metadata = T::apply(&api, &call, Edit::read(body, Edit::Replace)?).await?;
    Ok(Json(json!({ "metadata": metadata })))
}

pub(crate) async fn set<T: Tagged>(
    State(api): State<ApiState>,
    call: Call,
    body: Body,
) -> Result<Json<Value>, ApiError> {
    let metadata = T::apply(&api, &call, Edit::read_one(body, call.param("key"))?).await?;
    Ok(Json(view_one(&metadata, call.param("key"))?))
}

pub(crate) async fn remove<T: Tagged>(State(api): State<ApiState>, call: Call) -> Result<StatusCode, ApiError> {
    T::apply(&api, &call, Edit::Remove(call.param("key").to_owned())).await?;
    Ok(StatusCode::OK)
}
