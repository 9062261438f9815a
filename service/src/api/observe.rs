//! Around each request: its span in the log, and its count in the metrics.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use tracing::{Instrument as _, field::Empty};

use super::{
    error::Said,
    request_id::{CallerId, RequestId},
    state::ApiState,
};

/// The route of a request that none is for.
const NO_ROUTE: &str = "none";

/// Tells of the request, and counts it.
pub(crate) async fn observe(State(api): State<ApiState>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let route = request.extensions().get::<MatchedPath>().map_or(NO_ROUTE, MatchedPath::as_str).to_owned();
    // Methods are the client's words: only the known ones become labels.
    let method = match request.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known.to_owned(),
        _ => "other".to_owned(),
    };
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let caller = request.extensions().get::<CallerId>().map(|id| id.0.clone());
    let span = tracing::info_span!(
        "request",
        id,
        caller,
        method,
        route,
        path = request.uri().path(),
        status = Empty,
        ms = Empty
    );
    let reads = matches!(method.as_str(), "GET" | "HEAD");
    let response = next.run(request).instrument(span.clone()).await;
    let took = began.elapsed();
    let status = response.status();
    api.metrics().count(&method, &route, status, took);
    span.record("status", status.as_u16());
    span.record("ms", u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    if let Some(lack) = response.extensions().get() {
        api.lacks().count(*lack);
    }
    let why = response.extensions().get::<Said>().map(|said| said.0.as_str());
    span.in_scope(|| match (status, route.as_str()) {
        (status, _) if status.is_server_error() => tracing::warn!(why, "answered"),
        // Asked every few seconds by programs that keep what they hear.
        (_, "/healthcheck" | "/metrics") => tracing::debug!("answered"),
        // Nothing changed and nothing went wrong: a line for each would cost a quarter of the request.
        (status, _) if reads && status.is_success() => tracing::debug!("answered"),
        _ => tracing::info!(why, "answered"),
    });
    response
}
