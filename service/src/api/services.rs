//! `/os-services`: the hosts of the backends, and taking one out of scheduling.

use std::time::Duration;

use ashlar_common::store::records::HostRecord;
use axum::{Json, extract::State};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    body::Body,
    call::Call,
    error::{ApiError, Fault},
    microversion::{BACKEND_STATE, Microversion, SERVICE_CLUSTER},
    state::{ApiSettings, ApiState},
    time,
};

const VOLUME: &str = "cinder-volume";
const SCHEDULER: &str = "cinder-scheduler";

pub(crate) async fn list(State(api): State<ApiState>, mut call: Call) -> Result<Json<Value>, ApiError> {
    let (binary, host) = (call.query.take("binary"), call.query.take("host"));
    call.query.take("service");
    if let Some(unknown) = call.query.rest().keys().next() {
        return Err(ApiError::bad_request(format!("cannot filter by {unknown:?}; known here: binary, host")));
    }
    let (settings, now) = (api.settings(), api.store().now());
    let mut services = vec![scheduler(settings, now, call.version)];
    let hosts = api.store().look().await?.hosts().await?;
    let silent = api.intake().silent(&hosts);
    for record in hosts {
        let silent = silent.get(&record.backend).copied().unwrap_or_default();
        services.push(volume(&record, settings, silent, call.version));
    }
    services.retain(|service| {
        let named = service["host"].as_str().unwrap_or_default();
        binary.as_ref().is_none_or(|wanted| service["binary"] == wanted.as_str())
            && host.as_ref().is_none_or(|wanted| named == wanted || named.split('@').next() == Some(wanted))
    });
    Ok(Json(json!({ "services": services })))
}

pub(crate) async fn change(State(api): State<ApiState>, call: Call, body: Body) -> Result<Json<Value>, ApiError> {
    let verb = call.param("id").to_owned();
    let (disabled, with_reason) = match verb.as_str() {
        "enable" => (false, false),
        "disable" => (true, false),
        "disable-log-reason" => (true, true),
        "freeze" | "thaw" | "failover_host" => {
            return Err(ApiError::bad_request(format!("{verb} needs replication, which is not served")));
        }
        _ => return Err(ApiError::new(Fault::NotFound, "known here: enable, disable, disable-log-reason")),
    };
    let mut body = body.flat();
    let host = body.required_line("host")?;
    let older = body.line("service")?;
    let binary = body.line("binary")?.or(older).unwrap_or_else(|| VOLUME.to_owned());
    body.not_served(&["cluster"])?;
    let reason = body.line("disabled_reason")?.filter(|reason| !reason.is_empty());
    body.finish()?;
    if with_reason && reason.is_none() {
        return Err(ApiError::bad_request("disabled_reason is required: say why"));
    }
    let settings = api.settings();
    let mut tx = api.store().write().await?;
    let hosts = tx.hosts().await?;
    let record = hosts.iter().find(|record| binary == VOLUME && settings.service(&record.backend) == host);
    let record = record.ok_or_else(|| ApiError::not_found(&format!("service {binary} on host"), &host))?;
    tx.set_host_disabled(&record.backend, disabled, reason.as_deref().filter(|_| disabled)).await?;
    tx.commit().await?;
    let mut view = json!({
        "host": host,
        "service": binary,
        "binary": binary,
        "disabled": disabled,
        "status": if disabled { "disabled" } else { "enabled" },
    });
    if with_reason {
        view["disabled_reason"] = json!(reason);
    }
    Ok(Json(view))
}

fn volume(record: &HostRecord, settings: &ApiSettings, silent: Duration, version: Microversion) -> Value {
    let up = silent <= settings.host_down_after;
    let state = if up { "up" } else { "down" };
    let mut view = json!({
        "binary": VOLUME,
        "host": settings.service(&record.backend),
        "zone": record.availability_zone,
        "status": if record.disabled { "disabled" } else { "enabled" },
        "state": state,
        "updated_at": time::text(record.heartbeat_at),
        "disabled_reason": record.disabled_reason,
        "replication_status": "disabled",
        "active_backend_id": null,
        "frozen": false,
    });
    if version.has(SERVICE_CLUSTER) {
        view["cluster"] = Value::Null;
    }
    if version.has(BACKEND_STATE) {
        view["backend_state"] = json!(state);
    }
    view
}

/// Whoever answers this is the scheduler too.
fn scheduler(settings: &ApiSettings, now: Timestamp, version: Microversion) -> Value {
    let mut view = json!({
        "binary": SCHEDULER,
        "host": settings.host,
        "zone": "nova",
        "status": "enabled",
        "state": "up",
        "updated_at": time::text(now),
        "disabled_reason": null,
    });
    if version.has(SERVICE_CLUSTER) {
        view["cluster"] = Value::Null;
    }
    view
}
