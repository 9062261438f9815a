//! `POST /attachments`, `PUT` and `DELETE /attachments/{id}`, and the action `os-complete`.

use ashlar_common::{
    driver::{AccessMode, Connector},
    manager::NewAttachment,
};
use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Value, json};

use super::view;
use crate::api::{
    body::Body,
    call::Call,
    error::ApiError,
    microversion::{ATTACH_MODE, ATTACHMENTS, COMPLETE},
    state::ApiState,
    volumes::connections::{connector, mode},
};

pub(crate) async fn create(State(api): State<ApiState>, call: Call, body: Body) -> Result<Json<Value>, ApiError> {
    call.needs(ATTACHMENTS)?;
    let mut asked = body.object("attachment")?;
    let volume = asked.required_id("volume_uuid")?;
    let instance_id = asked.line("instance_uuid")?.filter(|id| !id.is_empty());
    let connector = connector(&mut asked)?;
    let asked_mode = if call.version.has(ATTACH_MODE) { mode(&mut asked)? } else { None };
    let mode = asked_mode.or(mode_of(connector.as_ref())?).unwrap_or(AccessMode::ReadWrite);
    asked.finish()?;
    let new = NewAttachment { volume, instance_id, mode, connector };
    let attachment = api.intake().create_attachment(&call.who, new).await?;
    Ok(Json(json!({ "attachment": view::detail(&attachment) })))
}

/// Where the client is known only now, the export is made now.
pub(crate) async fn connect(State(api): State<ApiState>, call: Call, body: Body) -> Result<Json<Value>, ApiError> {
    call.needs(ATTACHMENTS)?;
    let id = call.id("attachment")?;
    let mut asked = body.object("attachment")?;
    let connector = connector(&mut asked)?.ok_or_else(|| asked.wrong("connector", "is required"))?;
    // The mode was settled when the attachment was made; one in the connector must at least be one.
    mode_of(Some(&connector))?;
    asked.finish()?;
    let attachment = api.intake().connect_attachment(&call.who, id, connector).await?;
    Ok(Json(json!({ "attachment": view::detail(&attachment) })))
}

pub(crate) async fn act(State(api): State<ApiState>, call: Call, body: Body) -> Result<StatusCode, ApiError> {
    call.needs(COMPLETE)?;
    let id = call.id("attachment")?;
    let (name, _) = body.single()?;
    if name != "os-complete" {
        return Err(ApiError::bad_request("the only action on attachments is os-complete"));
    }
    api.intake().complete_attachment(&call.who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Answers with the attachments that the volume has left.
pub(crate) async fn delete(State(api): State<ApiState>, call: Call) -> Result<Json<Value>, ApiError> {
    call.needs(ATTACHMENTS)?;
    let left = api.intake().delete_attachment(&call.who, call.id("attachment")?).await?;
    Ok(Json(json!({ "attachments": left.iter().map(view::summary).collect::<Vec<_>>() })))
}

/// Before 3.54 the mode was one of the connector's properties.
fn mode_of(connector: Option<&Connector>) -> Result<Option<AccessMode>, ApiError> {
    match connector.and_then(|connector| connector.0.get("mode")) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(mode)) if mode == "rw" => Ok(Some(AccessMode::ReadWrite)),
        Some(Value::String(mode)) if mode == "ro" => Ok(Some(AccessMode::ReadOnly)),
        Some(_) => Err(ApiError::bad_request("mode in connector must be rw or ro")),
    }
}
