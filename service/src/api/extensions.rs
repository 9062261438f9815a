//! `GET /extensions`: what old clients ask before they use anything that once was an extension.

use axum::Json;
use serde_json::{Value, json};

use super::{call::Call, error::ApiError};

/// Name, alias, description.
const EXTENSIONS: [(&str, &str, &str); 11] = [
    ("AvailabilityZones", "os-availability-zone", "Zones that volumes may be in."),
    ("Capabilities", "capabilities", "What a backend can do."),
    ("ExtendedSnapshotAttributes", "os-extended-snapshot-attributes", "A snapshot's project and progress."),
    ("Quotas", "os-quota-sets", "What projects may have and have."),
    ("Scheduler_stats", "scheduler-stats", "What the pools report."),
    ("Services", "os-services", "The hosts of the backends."),
    ("TypesExtraSpecs", "os-types-extra-specs", "What the scheduler and the drivers read of a type."),
    ("TypesManage", "os-types-manage", "Making and changing volume types."),
    ("VolumeActions", "os-volume-actions", "Actions on volumes."),
    ("VolumeHostAttribute", "os-vol-host-attr", "A volume's pool."),
    ("VolumeTenantAttribute", "os-vol-tenant-attr", "A volume's project."),
];

pub(crate) async fn list(_call: Call) -> Json<Value> {
    Json(json!({ "extensions": EXTENSIONS.iter().map(view).collect::<Vec<_>>() }))
}

pub(crate) async fn show(call: Call) -> Result<Json<Value>, ApiError> {
    let alias = call.param("id");
    let found = EXTENSIONS.iter().find(|(_, known, _)| *known == alias);
    let found = found.ok_or_else(|| ApiError::not_found("extension", alias))?;
    Ok(Json(json!({ "extension": view(found) })))
}

fn view((name, alias, description): &(&str, &str, &str)) -> Value {
    json!({
        "name": name,
        "alias": alias,
        "description": description,
        "updated": "2026-11-22T00:00:00+00:00",
        "links": [],
    })
}
