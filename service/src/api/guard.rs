//! How long a request may take, what becomes of a panic, and of a request for nothing that is here.

use std::any::Any;

use super::{
    error::{ApiError, Fault},
    state::ApiState,
};
use axum::{
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::{IntoResponse, Response},
};

/// Works on the request for as long as a request may take.
///
/// Ending a request drops its transaction, which then changes nothing; what it has logged goes on.
pub(crate) async fn bound(State(api): State<ApiState>, request: Request, next: Next) -> Response {
    let limit = api.settings().request_timeout;
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let message =
                format!("not answered within {} s: look whether it was done before asking again", limit.as_secs());
            ApiError::new(Fault::TooSlow, message).into_response()
        }
    }
}

/// A panic is an error of ours like any other.
pub(crate) fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let said = cause.downcast_ref::<&str>().map(|said| (*said).to_owned()).or_else(|| cause.downcast_ref().cloned());
    ApiError::internal(&said.unwrap_or_else(|| "a panic without words".to_owned())).into_response()
}

/// There is nothing at that path.
pub(crate) async fn no_route(request: Request) -> ApiError {
    refused(&request)
}

/// There is, but not for that method. Cinder answers 404 here, and clients count on it.
pub(crate) async fn no_method(request: Request) -> ApiError {
    refused(&request)
}

fn refused(request: &Request) -> ApiError {
    let method = match request.method() {
        known @ (&Method::GET | &Method::POST | &Method::PUT | &Method::DELETE | &Method::HEAD | &Method::PATCH) => {
            known.as_str()
        }
        _ => "that method",
    };
    ApiError::new(Fault::NotFound, format!("{method} is not served at this path: see the API reference for what is"))
}

#[cfg(test)]
mod tests {
    use axum::{
        Router,
        body::{Body, to_bytes},
        extract::Request,
        routing::get,
    };
    use tower::ServiceExt;
    use tower_http::catch_panic::CatchPanicLayer;

    #[tokio::test]
    async fn a_panic_is_a_500_that_keeps_its_cause_to_itself() {
        let handler = || async {
            if true {
                panic!("a secret");
            }
        };
        let router: Router = Router::new().route("/", get(handler)).layer(CatchPanicLayer::custom(super::panicked));
        let response = router.oneshot(Request::new(Body::empty())).await.expect("infallible");
        assert_eq!(response.status().as_u16(), 500);
        let body = to_bytes(response.into_body(), 4096).await.expect("a body");
        let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(body["computeFault"]["code"], 500);
        assert!(!body.to_string().contains("secret"));
    }
}
