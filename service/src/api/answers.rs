//! Large answers: how much of them may lie in memory because clients do not read.
//!
//! An answer keeps its memory until it is written. Small ones are bounded by the number of connections. A page of a thousand
//! volumes has a MiB, and thousands of clients that ask for one and read none of it would be too much; so large ones
//! stand on a budget. When it is used up, the client that has stood still longest loses its connection.

use std::time::Duration;

use axum::{
    body::{Body, HttpBody},
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt;

use super::{budget::hold, error::ApiError, lack::Lack, state::ApiState};

/// What is smaller is not counted.
const LARGE: u64 = 64 << 10;
/// How often somebody is asked to make room, and how long that may take.
const TRIES: (usize, Duration) = (40, Duration::from_millis(50));
/// When to ask again where that did not help.
const RETRY_AFTER: u64 = 2;

/// Lets a large answer out when there is memory for it to wait in.
pub(crate) async fn bound(State(api): State<ApiState>, request: Request, next: Next) -> Response {
    let reads = *request.method() == Method::GET;
    let response = next.run(request).await;
    match response.body().size_hint().exact() {
        // Only what changed nothing may be taken back, and answers to changes are small.
        Some(size) if reads && size > LARGE => lend(&api, response, size).await,
        _ => response,
    }
}

async fn lend(api: &ApiState, response: Response, size: u64) -> Response {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let mut loan = api.answers().take(size);
    for _ in 0..TRIES.0 {
        if loan.is_some() {
            break;
        }
        api.connections().end_stalled();
        loan = api.answers().wait(size, TRIES.1).await;
    }
    let Some(loan) = loan else {
        return ApiError::lacking(Lack::Answers, RETRY_AFTER).into_response();
    };
    let (parts, body) = response.into_parts();
    match body.collect().await {
        // It is one piece already: nothing is copied.
        Ok(body) => Response::from_parts(parts, Body::from(hold(body.to_bytes(), loan))),
        Err(error) => ApiError::internal(&error.to_string()).into_response(),
    }
}
