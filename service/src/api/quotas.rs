//! `GET /os-quota-sets/{id}`: nothing is limited yet, which -1 says; what is used is counted.

use axum::{Json, extract::State};
use serde_json::{Map, Value, json};

use super::{call::Call, error::ApiError, state::ApiState, text};

const NO_LIMIT: i64 = -1;

pub(crate) async fn show(State(api): State<ApiState>, mut call: Call) -> Result<Json<Value>, ApiError> {
    let usage = call.query.flag("usage")?.unwrap_or(false);
    let project = call.param("id").to_owned();
    text::line("the project's id", &project)?;
    let mut tx = api.store().read().await?;
    let (volumes, volume_bytes) = tx.volume_totals(&project).await?;
    let (snapshots, snapshot_bytes) = tx.snapshot_totals(&project).await?;
    let gigabytes = volume_bytes.saturating_add(snapshot_bytes).gib_ceil();
    let used = [("volumes", volumes), ("snapshots", snapshots), ("gigabytes", gigabytes)];
    Ok(Json(json!({ "quota_set": set(&project, |name| {
        let in_use = used.iter().find(|(known, _)| *known == name).map_or(0, |(_, count)| *count);
        if usage { json!({ "limit": NO_LIMIT, "in_use": in_use, "reserved": 0, "allocated": 0 }) } else { json!(NO_LIMIT) }
    })})))
}

pub(crate) async fn defaults(call: Call) -> Result<Json<Value>, ApiError> {
    let project = call.param("id");
    text::line("the project's id", project)?;
    Ok(Json(json!({ "quota_set": set(project, |_| json!(NO_LIMIT)) })))
}

fn set(project: &str, entry: impl Fn(&str) -> Value) -> Map<String, Value> {
    const RESOURCES: [&str; 7] =
        ["volumes", "snapshots", "gigabytes", "per_volume_gigabytes", "backups", "backup_gigabytes", "groups"];
    let mut set: Map<String, Value> = RESOURCES.iter().map(|name| ((*name).to_owned(), entry(name))).collect();
    set.insert("id".to_owned(), json!(project));
    set
}
