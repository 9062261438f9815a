//! `GET /healthcheck`, for load balancers and supervisors.

use std::time::Duration;

use ashlar_common::{chain::chain, store::Error};
use axum::{extract::State, http::StatusCode};

use super::state::ApiState;

/// A store that has not answered by then does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) async fn check(State(api): State<ApiState>) -> (StatusCode, String) {
    let asked = async {
        api.store().look().await?.hosts().await?;
        Ok::<_, Error>(api.store().writable().await.err())
    };
    let reason = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(None)) => return (StatusCode::OK, "OK".to_owned()),
        // Whoever only asks is served, and any other process on the same store would fare no better.
        Ok(Ok(Some(error))) => return (StatusCode::OK, degraded(&error)),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("the store has not answered for {} s", PATIENCE.as_secs()),
    };
    tracing::warn!(reason, "not healthy");
    (StatusCode::SERVICE_UNAVAILABLE, reason)
}

fn degraded(error: &Error) -> String {
    tracing::warn!(error = chain(error), "nothing can be written");
    format!("degraded: nothing can be changed: {error}")
}
