//! `POST /types`, `PUT` and `DELETE /types/{id}`.

use ashlar_common::store::{Tx, records::TypeRecord};
use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Value, json};

use super::{extra_specs, find::by_id, view};
use crate::api::{
    body::Body,
    call::Call,
    error::{ApiError, Fault},
    state::ApiState,
};

/// `is_public` as the API spells it.
const IS_PUBLIC: &str = "os-volume-type-access:is_public";

pub(crate) async fn create(State(api): State<ApiState>, _call: Call, body: Body) -> Result<Json<Value>, ApiError> {
    let mut asked = body.object("volume_type")?;
    let is_public = asked.flag(IS_PUBLIC)?;
    let kind = TypeRecord {
        id: api.store().id(),
        name: asked.required_line("name")?,
        description: asked.description()?,
        is_public: is_public.or(asked.flag("is_public")?).unwrap_or(true),
        extra_specs: asked.value("extra_specs").map(extra_specs::parse).transpose()?.unwrap_or_default(),
        created_at: api.store().now(),
        updated_at: None,
    };
    asked.finish()?;
    let mut tx = api.store().write().await?;
    name_is_free(&mut tx, &kind).await?;
    tx.insert_type(&kind).await?;
    tx.commit().await?;
    Ok(Json(json!({ "volume_type": view::made(&kind) })))
}

pub(crate) async fn update(State(api): State<ApiState>, call: Call, body: Body) -> Result<Json<Value>, ApiError> {
    let id = call.id("volume type")?;
    let mut asked = body.object("volume_type")?;
    let name = if asked.value_is_set("name") { Some(asked.required_line("name")?) } else { None };
    let described = asked.value_is_set("description");
    let description = asked.description()?;
    let public = asked.flag(IS_PUBLIC)?;
    let is_public = public.or(asked.flag("is_public")?);
    asked.finish()?;
    if name.is_none() && !described && is_public.is_none() {
        return Err(ApiError::bad_request("nothing to change: give a name, a description or is_public"));
    }
    let mut tx = api.store().write().await?;
    let mut kind = by_id(&mut tx, id).await?;
    kind.name = name.unwrap_or(kind.name);
    kind.description = if described { description } else { kind.description };
    kind.is_public = is_public.unwrap_or(kind.is_public);
    kind.updated_at = Some(api.store().now());
    name_is_free(&mut tx, &kind).await?;
    tx.update_type(&kind).await?;
    tx.commit().await?;
    Ok(Json(json!({ "volume_type": view::changed(&kind) })))
}

pub(crate) async fn delete(State(api): State<ApiState>, call: Call) -> Result<StatusCode, ApiError> {
    let id = call.id("volume type")?;
    let mut tx = api.store().write().await?;
    let kind = by_id(&mut tx, id).await?;
    let volumes = tx.volumes_of_type(kind.id).await?;
    if volumes > 0 {
        return Err(ApiError::bad_request(format!(
            "volume type {id} is that of {volumes} volumes: delete those first"
        )));
    }
    tx.remove_type(id).await?;
    tx.commit().await?;
    Ok(StatusCode::ACCEPTED)
}

async fn name_is_free(tx: &mut Tx, kind: &TypeRecord) -> Result<(), ApiError> {
    match tx.volume_type_named(&kind.name).await? {
        Some(other) if other.id != kind.id => Err(ApiError::new(
            Fault::Conflict,
            format!("a volume type {:?} exists already: choose another name", kind.name),
        )),
        _ => Ok(()),
    }
}
