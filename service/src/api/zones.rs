//! `GET /os-availability-zone`.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{call::Call, error::ApiError, state::ApiState};

/// A zone is available when a backend in it takes volumes.
pub(crate) async fn list(State(api): State<ApiState>, _call: Call) -> Result<Json<Value>, ApiError> {
    let mut zones: BTreeMap<String, bool> = BTreeMap::new();
    for host in api.store().look().await?.hosts().await? {
        *zones.entry(host.availability_zone).or_default() |= !host.disabled;
    }
    let zones: Vec<Value> = zones
        .into_iter()
        .map(|(name, available)| json!({ "zoneName": name, "zoneState": { "available": available } }))
        .collect();
    Ok(Json(json!({ "availabilityZoneInfo": zones })))
}
