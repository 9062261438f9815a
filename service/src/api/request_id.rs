//! Each request has an id: in its answer, in the log, and in the operations it starts.

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use uuid::Uuid;

const HEADER: HeaderName = HeaderName::from_static("x-openstack-request-id");
/// What older clients look for.
const OLD_HEADER: HeaderName = HeaderName::from_static("x-compute-request-id");

/// A request's id: `req-` and a UUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(pub(crate) String);

/// The id under which another service asked, which ties their logs to ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallerId(pub(crate) String);

/// Gives the request its id and puts it on the answer.
pub(crate) async fn assign(mut request: Request, next: Next) -> Response {
    let id = RequestId(format!("req-{}", Uuid::new_v4()));
    let said = HeaderValue::try_from(&id.0).expect("a UUID is a header value");
    if let Some(caller) = request.headers().get(HEADER).and_then(|value| value.to_str().ok()).filter(|id| is_id(id)) {
        let caller = CallerId(caller.to_owned());
        request.extensions_mut().insert(caller);
    }
    request.extensions_mut().insert(id);
    let mut response = next.run(request).await;
    response.headers_mut().insert(HEADER, said.clone());
    response.headers_mut().insert(OLD_HEADER, said);
    response
}

/// Anything else does not get into the log.
fn is_id(text: &str) -> bool {
    text.strip_prefix("req-").is_some_and(|id| id.len() == 36 && Uuid::try_parse(id).is_ok())
}
