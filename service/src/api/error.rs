//! What clients hear when something is refused or goes wrong: the one place that knows statuses.

use ashlar_common::{driver::Kind, manager::Refusal, store};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// An answer of 4xx or 5xx. The message is for people and says what they can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    fault: Fault,
    message: String,
}

/// What an answer says is wrong, left with it for the log.
#[derive(Clone, Debug)]
pub(crate) struct Said(pub(crate) String);

/// The kinds of errors, each one status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    BadRequest,
    NotFound,
    NotAcceptable,
    Conflict,
    OverLimit,
    MediaType,
    Internal,
    Unavailable,
    TooSlow,
}

impl Fault {
    fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::Conflict => StatusCode::CONFLICT,
            Self::OverLimit => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooSlow => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// The key of the body. Cinder says `computeFault` where it has no better word.
    fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "badRequest",
            Self::NotFound => "itemNotFound",
            Self::Conflict => "conflictingRequest",
            Self::OverLimit => "overLimit",
            Self::MediaType => "badMediaType",
            Self::Unavailable => "serviceUnavailable",
            Self::NotAcceptable | Self::Internal | Self::TooSlow => "computeFault",
        }
    }
}

impl ApiError {
    pub(crate) fn new(fault: Fault, message: impl Into<String>) -> Self {
        Self { fault, message: message.into() }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(Fault::BadRequest, message)
    }

    /// What is not there, and what belongs to somebody else: the two must not be told apart.
    pub(crate) fn not_found(what: &str, id: impl std::fmt::Display) -> Self {
        let mut id = id.to_string();
        if let Some((end, _)) = id.char_indices().nth(255) {
            id.truncate(end);
        }
        Self::new(Fault::NotFound, format!("{what} {id} could not be found in this project"))
    }

    /// An error of our own making; its cause goes to the log, where the request id leads.
    pub(crate) fn internal(cause: &str) -> Self {
        tracing::error!(cause, "a request failed inside");
        Self::new(Fault::Internal, "an error inside the service: its log has the cause under this request's id")
    }

    #[cfg(test)]
    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::NotFound { what, id } => Self::not_found(what, id),
            Refusal::State { .. } | Refusal::Invalid(_) => Self::bad_request(message),
            Refusal::Conflict(_) => Self::new(Fault::Conflict, message),
            Refusal::NoRoom(_) => Self::new(Fault::OverLimit, message),
            Refusal::TooSlow(_) => Self::new(Fault::TooSlow, message),
            Refusal::Backend { kind, .. } => Self::new(of_kind(kind), message),
            Refusal::Store(error) => error.into(),
        }
    }
}

/// A backend's error that a client waited for.
fn of_kind(kind: Kind) -> Fault {
    match kind {
        Kind::NotFound => Fault::NotFound,
        Kind::Busy | Kind::Conflict => Fault::Conflict,
        Kind::OutOfSpace => Fault::OverLimit,
        Kind::Invalid | Kind::Unsupported => Fault::BadRequest,
        Kind::Unavailable => Fault::Unavailable,
        Kind::Indeterminate => Fault::TooSlow,
        Kind::Fatal => Fault::Internal,
    }
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "the store failed a request");
        match error {
            store::Error::Overloaded => Self::new(Fault::Unavailable, error.to_string()),
            store::Error::Full(_) | store::Error::ReadOnly(_) | store::Error::Unknown => {
                Self::new(Fault::Unavailable, error.to_string())
            }
            store::Error::File { .. }
            | store::Error::Away(_)
            | store::Error::Database(_)
            | store::Error::Busy
            | store::Error::Fenced { .. } => {
                Self::new(Fault::Unavailable, "the store does not answer now: try again later")
            }
            store::Error::Corrupt(_) | store::Error::Schema(_) | store::Error::Damaged { .. } => Self::new(
                Fault::Internal,
                "the store is damaged: the service's log has the cause under this request's id",
            ),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.fault.status();
        let mut said = json!({ "code": status.as_u16(), "message": &self.message });
        if self.fault == Fault::OverLimit {
            said["retryAfter"] = json!("0");
        }
        let mut response = (status, Json(json!({ self.fault.name(): said }))).into_response();
        response.extensions_mut().insert(Said(self.message));
        match self.fault {
            Fault::OverLimit => response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("0")),
            Fault::Unavailable => response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1")),
            _ => None,
        };
        response
    }
}

#[cfg(test)]
mod tests {
    use ashlar_common::{driver::Kind, manager::Refusal};
    use axum::response::IntoResponse;

    use super::ApiError;

    fn check(refusal: Refusal, status: u16) {
        let shown = format!("{refusal:?}");
        assert_eq!(ApiError::from(refusal).into_response().status().as_u16(), status, "{shown}");
    }

    #[test]
    fn each_refusal_has_the_status_clients_know() {
        check(Refusal::NotFound { what: "volume", id: "x".into() }, 404);
        check(Refusal::State { what: "volume", id: "x".into(), message: "is busy".into() }, 400);
        check(Refusal::Invalid("no".into()), 400);
        check(Refusal::Conflict("taken".into()), 409);
        check(Refusal::NoRoom("full".into()), 413);
        check(Refusal::TooSlow("late".into()), 504);
        check(Refusal::Backend { kind: Kind::Unavailable, message: "away".into() }, 503);
        check(Refusal::Backend { kind: Kind::Fatal, message: "broken".into() }, 500);
    }

    #[test]
    fn what_was_not_found_is_repeated_in_part_only() {
        assert!(ApiError::not_found("volume", "é".repeat(9000)).message().len() < 700);
    }
}
