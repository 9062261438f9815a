//! `/messages`: what users should know of operations that did not go well.

use ashlar_common::store::{listing::Column, records::MessageRecord};
use axum::{Json, extract::State, http::StatusCode, response::Response};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    call::Call,
    error::ApiError,
    links::Links,
    listing::{By, Dialect, Page},
    microversion::MESSAGES,
    state::ApiState,
    time,
};

pub(crate) const DIALECT: Dialect = Dialect {
    filters: &[
        ("id", By::Text(Column::Id)),
        ("resource_uuid", By::Text(Column::ResourceId)),
        ("resource_id", By::Text(Column::ResourceId)),
        ("resource_type", By::Text(Column::ResourceType)),
        ("event_id", By::Text(Column::EventId)),
        ("request_id", By::Text(Column::RequestId)),
    ],
    sorts: &[
        ("id", Column::Id),
        ("resource_type", Column::ResourceType),
        ("event_id", Column::EventId),
        ("request_id", Column::RequestId),
        ("created_at", Column::CreatedAt),
    ],
};

pub(crate) async fn list(State(api): State<ApiState>, mut call: Call) -> Result<Response, ApiError> {
    call.needs(MESSAGES)?;
    let page = Page::read(&mut call, &DIALECT, api.settings().page_limit)?;
    let mut tx = api.store().read().await?;
    if let Some(marker) = page.marker::<Uuid>("message")?
        && tx.message(&call.who.project_id, &marker.to_string()).await?.is_none()
    {
        return Err(ApiError::not_found("message", marker));
    }
    let messages = tx.list_messages(&page.listing).await?;
    let entries = messages.iter().map(|message| view(message, &call.links)).collect::<Vec<_>>();
    let last = messages.last().map(|message| message.id.clone());
    Ok(page.answer(&call, "messages", entries, last, None))
}

pub(crate) async fn show(State(api): State<ApiState>, call: Call) -> Result<Json<Value>, ApiError> {
    call.needs(MESSAGES)?;
    let id: Uuid = call.id("message")?;
    let message = api.store().look().await?.message(&call.who.project_id, &id.to_string()).await?;
    let message = message.ok_or_else(|| ApiError::not_found("message", id))?;
    Ok(Json(json!({ "message": view(&message, &call.links) })))
}

pub(crate) async fn delete(State(api): State<ApiState>, call: Call) -> Result<StatusCode, ApiError> {
    call.needs(MESSAGES)?;
    let id: Uuid = call.id("message")?;
    let mut tx = api.store().write().await?;
    if !tx.remove_message(&call.who.project_id, &id.to_string()).await? {
        return Err(ApiError::not_found("message", id));
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(message: &MessageRecord, links: &Links) -> Value {
    json!({
        "id": message.id,
        "event_id": message.event_id,
        "user_message": message.user_message,
        "message_level": "ERROR",
        "resource_type": message.resource_type.to_uppercase(),
        "resource_uuid": message.resource_id,
        "request_id": message.request_id,
        "created_at": time::text(message.created_at),
        "guaranteed_until": time::text(message.expires_at),
        "links": links.of("messages", &message.id),
    })
}
