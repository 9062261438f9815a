//! `GET /healthcheck`, for load balancers and supervisors.

use std::time::Duration;

use axum::{extract::State, http::StatusCode};

use super::state::ApiState;

/// A store that has not answered by then does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) async fn check(State(api): State<ApiState>) -> (StatusCode, String) {
    let asked = async { api.store().read().await?.hosts().await };
    let reason = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(_)) => return (StatusCode::OK, "OK".to_owned()),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("the store has not answered for {} s", PATIENCE.as_secs()),
    };
    tracing::warn!(reason, "not healthy");
    (StatusCode::SERVICE_UNAVAILABLE, reason)
}
