//! `GET /limits`: what a project may have and has. Nothing is limited yet; -1 says so.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{call::Call, error::ApiError, state::ApiState};

pub(crate) async fn show(State(api): State<ApiState>, mut call: Call) -> Result<Json<Value>, ApiError> {
    let project = call.query.take("project_id").or(call.query.take("tenant_id")).unwrap_or(call.who.project_id);
    let mut tx = api.store().read().await?;
    let (volumes, volume_bytes) = tx.volume_totals(&project).await?;
    let (snapshots, snapshot_bytes) = tx.snapshot_totals(&project).await?;
    Ok(Json(json!({ "limits": {
        "rate": [],
        "absolute": {
            "maxTotalVolumes": -1,
            "maxTotalSnapshots": -1,
            "maxTotalVolumeGigabytes": -1,
            "maxTotalBackups": -1,
            "maxTotalBackupGigabytes": -1,
            "totalVolumesUsed": volumes,
            "totalSnapshotsUsed": snapshots,
            // Snapshots count, as in Cinder.
            "totalGigabytesUsed": volume_bytes.saturating_add(snapshot_bytes).gib_ceil(),
            "totalBackupsUsed": 0,
            "totalBackupGigabytesUsed": 0,
        },
    }})))
}
