//! `GET /metrics`, for Prometheus: requests as they were answered, and what the store says of operations and pools.

use std::{sync::atomic::AtomicU64, time::Duration};

use ashlar_common::stats::Capacity;
use axum::{
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use prometheus_client::{
    encoding::text::{encode_eof, encode_registry},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::{error::ApiError, state::ApiState};

pub(super) type Labels = Vec<(&'static str, String)>;
/// Bytes fit no signed number of 64 bits by right, and no float exactly; the float is what Prometheus keeps.
type Bytes = Gauge<f64, AtomicU64>;

/// Seconds: from a read of the store to an export that a client waits for.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 20.0, 60.0];

/// What is counted while requests are answered.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    durations: Family<Labels, Histogram>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let requests = Family::<Labels, Counter>::default();
        let durations = Family::<Labels, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        let mut registry = Registry::with_prefix("ashlar");
        registry.register("api_requests", "Requests answered", requests.clone());
        registry.register_with_unit("api_request_duration", "How long they took", Unit::Seconds, durations.clone());
        let build = Family::<Labels, Gauge>::default();
        build.get_or_create(&vec![("version", env!("CARGO_PKG_VERSION").to_owned())]).set(1);
        registry.register("build_info", "The version at work", build);
        Self { registry, requests, durations }
    }

    /// Counts an answered request. `route` is the template, never the path itself: there are few of those.
    pub(crate) fn count(&self, method: &str, route: &str, status: StatusCode, took: Duration) {
        let mut labels = vec![("method", method.to_owned()), ("route", route.to_owned())];
        self.durations.get_or_create(&labels).observe(took.as_secs_f64());
        labels.push(("status", status.as_str().to_owned()));
        self.requests.get_or_create(&labels).inc();
    }
}

pub(crate) async fn show(State(api): State<ApiState>) -> Result<Response, ApiError> {
    // Where the store does not answer, the figures of this process say what that does to it.
    let stored = of_store(&api).await;
    let load = super::load::registry(&api, stored.is_ok());
    let stored = stored.unwrap_or_default();
    let mut text = String::new();
    encode_registry(&mut text, &api.metrics().registry)
        .and_then(|()| encode_registry(&mut text, &load))
        .and_then(|()| encode_registry(&mut text, &stored))
        .and_then(|()| encode_eof(&mut text))
        .map_err(|error| ApiError::internal(&error.to_string()))?;
    const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, KIND)], text).into_response())
}

/// What the store says now.
async fn of_store(api: &ApiState) -> Result<Registry, ApiError> {
    let operations = Family::<Labels, Gauge>::default();
    let up = Family::<Labels, Gauge>::default();
    let capacity = Family::<Labels, Bytes>::default();
    let counts = api.store().look().await?.operation_counts().await?;
    for (backend, phase, count) in counts {
        let labels = vec![("backend", backend), ("phase", phase)];
        operations.get_or_create(&labels).set(i64::try_from(count).unwrap_or(i64::MAX));
    }
    let findings = Family::<Labels, Gauge>::default();
    for (backend, kind, count) in api.store().look().await?.finding_counts().await? {
        let labels = vec![("backend", backend), ("kind", kind)];
        findings.get_or_create(&labels).set(i64::try_from(count).unwrap_or(i64::MAX));
    }
    for pool in api.intake().pool_views().await? {
        up.get_or_create(&vec![("backend", pool.backend.to_string())]).set(pool.up.into());
        let sizes = [
            ("total", pool.stats.total),
            ("free", pool.stats.free),
            ("allocated", pool.stats.allocated),
            ("provisioned", Capacity::Known(pool.provisioned)),
        ];
        for (what, size) in sizes {
            // What is unknown or has no limit has no number.
            let Some(known) = size.known() else { continue };
            let labels = vec![
                ("backend", pool.backend.to_string()),
                ("pool", pool.stats.name.to_string()),
                ("what", what.into()),
            ];
            #[expect(clippy::cast_precision_loss, reason = "a float is what Prometheus keeps")]
            capacity.get_or_create(&labels).set(known.bytes() as f64);
        }
    }
    let mut registry = Registry::with_prefix("ashlar");
    registry.register("operations", "Entries of the operation log", operations);
    registry.register("findings", "What did not fit together at the last look", findings);
    registry.register("backend_up", "Whether the backend's host takes work", up);
    registry.register_with_unit("pool_capacity", "What the pools last reported", Unit::Bytes, capacity);
    Ok(registry)
}
