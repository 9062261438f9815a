//! Bodies that are too large: refused by their announced length, in a way that the client hears it.
//!
//! A server that closes while a client still sends makes the client's system throw the answer away. So some of what
//! comes is read and forgotten first, within bounds, and the answer says that the connection ends.

use std::time::Duration;

use axum::{
    body::Body,
    extract::Request,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CONNECTION, CONTENT_LENGTH, EXPECT},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt;

use super::{
    body::MAX_BODY,
    error::{ApiError, Fault},
};

/// How much of a body is read to be forgotten, and for how long, at most.
const FORGOTTEN: (usize, Duration) = (16 << 20, Duration::from_secs(2));

/// Refuses a request whose body is announced as too large; ends the connection after any body that was.
pub(crate) async fn refuse(request: Request, next: Next) -> Response {
    let mut response = match announced(request.headers()) {
        Some(length) if length > MAX_BODY as u64 => {
            // A client that asks before it sends has nothing under way.
            if !request.headers().contains_key(EXPECT) {
                forget(request.into_body()).await;
            }
            too_large().into_response()
        }
        _ => next.run(request).await,
    };
    if response.status() == StatusCode::PAYLOAD_TOO_LARGE {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The refusal of a body that is too large.
pub(crate) fn too_large() -> ApiError {
    ApiError::new(Fault::OverLimit, format!("the body is larger than {MAX_BODY} bytes: send less"))
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads some of what comes.
pub(crate) async fn forget(mut body: Body) {
    let mut left = FORGOTTEN.0;
    let reading = async {
        while left > 0
            && let Some(Ok(frame)) = body.frame().await
        {
            left = left.saturating_sub(frame.data_ref().map_or(0, |data| data.len()));
        }
    };
    // Whether it ended or not: enough was done.
    let _ = tokio::time::timeout(FORGOTTEN.1, reading).await;
}
