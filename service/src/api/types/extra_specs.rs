//! `/types/{id}/extra_specs`: what the scheduler and the drivers read of a type.

use std::collections::BTreeMap;

use ashlar_common::store::records::TypeRecord;
use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Map, Value, json};

use super::find::by_id;
use crate::api::{body::Body, call::Call, error::ApiError, metadata, state::ApiState};

type ExtraSpecs = BTreeMap<String, String>;

pub(crate) async fn list(State(api): State<ApiState>, call: Call) -> Result<Json<Value>, ApiError> {
    Ok(Json(json!({ "extra_specs": read(&api, &call).await?.extra_specs })))
}

pub(crate) async fn show(State(api): State<ApiState>, call: Call) -> Result<Json<Value>, ApiError> {
    let key = call.param("key");
    let kind = read(&api, &call).await?;
    let value = kind.extra_specs.get(key).ok_or_else(|| ApiError::not_found("extra spec", key))?;
    Ok(Json(one(key, value)))
}

/// Adds these, over those of the same keys; answers what was given, as Cinder does.
pub(crate) async fn merge(State(api): State<ApiState>, call: Call, body: Body) -> Result<Json<Value>, ApiError> {
    let mut body = body.flat();
    let given = body.value("extra_specs").ok_or_else(|| body.wrong("extra_specs", "is required"))?;
    body.finish()?;
    let given = parse(given)?;
    change(&api, &call, |specs| {
        specs.extend(given.clone());
        Ok(())
    })
    .await?;
    Ok(Json(json!({ "extra_specs": given })))
}

pub(crate) async fn set(State(api): State<ApiState>, call: Call, body: Body) -> Result<Json<Value>, ApiError> {
    let key = call.param("key");
    let (name, value) = body.single()?;
    if name != key {
        return Err(ApiError::bad_request("the body must hold the key of the URL, and that alone"));
    }
    let given = parse(Value::Object(Map::from_iter([(name, value)])))?;
    let value = given.values().next().cloned().unwrap_or_default();
    change(&api, &call, |specs| {
        specs.extend(given);
        Ok(())
    })
    .await?;
    Ok(Json(one(key, &value)))
}

pub(crate) async fn remove(State(api): State<ApiState>, call: Call) -> Result<StatusCode, ApiError> {
    let key = call.param("key");
    change(&api, &call, |specs| specs.remove(key).map(drop).ok_or_else(|| ApiError::not_found("extra spec", key)))
        .await?;
    Ok(StatusCode::ACCEPTED)
}

/// Texts under keys of letters, digits and `-_.:`, as Cinder has them. Booleans and numbers count as their text.
pub(super) fn parse(value: Value) -> Result<ExtraSpecs, ApiError> {
    let Value::Object(mut entries) = value else {
        return Err(ApiError::bad_request("extra_specs must be an object of texts"));
    };
    for value in entries.values_mut() {
        if let Value::Bool(_) | Value::Number(_) = value {
            *value = Value::String(value.to_string());
        }
    }
    let specs = metadata::parse("extra_specs", Value::Object(entries))?;
    let plain = |key: &String| key.chars().all(|part| part.is_ascii_alphanumeric() || "-_.: ".contains(part));
    if specs.keys().all(plain) {
        return Ok(specs);
    }
    Err(ApiError::bad_request("a key in extra_specs is made of letters, digits, spaces and '-', '_', '.', ':'"))
}

fn one(key: &str, value: &str) -> Value {
    Value::Object(Map::from_iter([(key.to_owned(), json!(value))]))
}

async fn read(api: &ApiState, call: &Call) -> Result<TypeRecord, ApiError> {
    let id = call.id("volume type")?;
    by_id(&mut api.store().look().await?, id).await
}

async fn change(
    api: &ApiState,
    call: &Call,
    change: impl FnOnce(&mut ExtraSpecs) -> Result<(), ApiError>,
) -> Result<(), ApiError> {
    let id = call.id("volume type")?;
    let mut tx = api.store().write().await?;
    let mut kind = by_id(&mut tx, id).await?;
    change(&mut kind.extra_specs)?;
    metadata::bounded("extra_specs", kind.extra_specs.len())?;
    kind.updated_at = Some(api.store().now());
    tx.update_type(&kind).await?;
    tx.commit().await?;
    Ok(())
}
