//! `GET /capabilities/{host}`: what a backend can do.

use ashlar_common::store::records::HostRecord;
use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::{
    call::Call,
    error::ApiError,
    state::{ApiSettings, ApiState},
};

pub(crate) async fn show(State(api): State<ApiState>, call: Call) -> Result<Json<Value>, ApiError> {
    let asked = call.param("id");
    // A pool's capabilities are its backend's.
    let service = asked.split_once('#').map_or(asked, |(service, _)| service);
    let settings = api.settings();
    let hosts = api.store().look().await?.hosts().await?;
    let host = hosts.iter().find(|host| settings.service(&host.backend) == service);
    host.map(|host| Json(view(host, settings))).ok_or_else(|| ApiError::not_found("host", asked))
}

fn view(host: &HostRecord, settings: &ApiSettings) -> Value {
    let driver = host.driver.as_ref();
    let property =
        |title: &str, description: &str| json!({ "title": title, "description": description, "type": "boolean" });
    let mut properties = json!({});
    if host.capabilities.multi_attach {
        properties["multiattach"] = property("Multi-attach", "Several clients may hold one volume.");
    }
    if host.capabilities.online_extend {
        properties["online_extend_support"] = property("Online extend", "Volumes grow while clients hold them.");
    }
    if host.capabilities.revert {
        properties["revert_to_snapshot"] = property("Revert", "Volumes go back to a snapshot.");
    }
    json!({
        "namespace": format!("OS::Storage::Capabilities::{}", settings.service(&host.backend)),
        "vendor_name": driver.map(|driver| &driver.vendor_name),
        "volume_backend_name": host.volume_backend_name,
        "pool_name": null,
        "driver_version": driver.map(|driver| &driver.version),
        "storage_protocol": driver.map(|driver| &driver.storage_protocol),
        "display_name": null,
        "description": null,
        "visibility": null,
        "replication_targets": [],
        "properties": properties,
    })
}
