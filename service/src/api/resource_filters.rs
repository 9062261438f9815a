//! `GET /resource_filters`: what lists can be filtered by.

use axum::Json;
use serde_json::{Value, json};

use super::{
    attachments, call::Call, error::ApiError, listing::Dialect, messages, microversion::RESOURCE_FILTERS, snapshots,
    volumes,
};

const RESOURCES: [(&str, &Dialect); 4] = [
    ("volume", &volumes::list::DIALECT),
    ("snapshot", &snapshots::list::DIALECT),
    ("attachment", &attachments::list::DIALECT),
    ("message", &messages::DIALECT),
];

pub(crate) async fn list(mut call: Call) -> Result<Json<Value>, ApiError> {
    call.needs(RESOURCE_FILTERS)?;
    let wanted = call.query.take("resource");
    let known: Vec<Value> = RESOURCES
        .iter()
        .filter(|(resource, _)| wanted.as_ref().is_none_or(|wanted| wanted == resource))
        .map(|(resource, dialect)| json!({ "resource": resource, "filters": dialect.keys().collect::<Vec<_>>() }))
        .collect();
    Ok(Json(json!({ "resource_filters": known })))
}
