//! What clients hear when something is refused or goes wrong: the one place that knows statuses.

use ashlar_common::{driver::Kind, manager::Refusal, store};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::lack::Lack;

/// An answer of 4xx or 5xx. The message is for people and says what they can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    fault: Fault,
    message: String,
    lack: Option<Lack>,
    /// Seconds, where asking again may help.
    retry_after: Option<u64>,
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
    SlowClient,
    Overloaded,
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
            Self::SlowClient => StatusCode::REQUEST_TIMEOUT,
            Self::Overloaded => StatusCode::TOO_MANY_REQUESTS,
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
            Self::OverLimit | Self::Overloaded => "overLimit",
            Self::MediaType => "badMediaType",
            Self::Unavailable => "serviceUnavailable",
            Self::NotAcceptable | Self::Internal | Self::TooSlow | Self::SlowClient => "computeFault",
        }
    }

    /// Seconds after which to ask again, where nothing better is known.
    fn retry_after(self) -> Option<u64> {
        match self {
            // Asking again does not help, and clients wait only where this is more than nothing.
            Self::OverLimit => Some(0),
            Self::Overloaded | Self::Unavailable => Some(1),
            _ => None,
        }
    }
}

impl ApiError {
    pub(crate) fn new(fault: Fault, message: impl Into<String>) -> Self {
        Self { fault, message: message.into(), lack: None, retry_after: fault.retry_after() }
    }

    /// There is too little of something now, and nothing was done. Clients ask again after so many seconds.
    pub(crate) fn lacking(lack: Lack, retry_after: u64) -> Self {
        Self { lack: Some(lack), retry_after: Some(retry_after.max(1)), ..Self::new(Fault::Overloaded, lack.said()) }
    }

    /// A body did not come fast enough.
    pub(crate) fn slow_body() -> Self {
        Self { lack: Some(Lack::Speed), ..Self::new(Fault::SlowClient, Lack::Speed.said()) }
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
        // Being full is no failure, and there may be thousands of these in a second.
        if !matches!(error, store::Error::Overloaded) {
            tracing::error!(error = &error as &dyn std::error::Error, "the store failed a request");
        }
        match error {
            store::Error::Overloaded => Self::lacking(Lack::Writers, 1),
            store::Error::Full(_) | store::Error::ReadOnly(_) => Self::new(Fault::Unavailable, error.to_string()),
            // Clients ask again by themselves after a 503, and this may have been done.
            store::Error::Unknown => Self::new(Fault::TooSlow, error.to_string()),
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
        if let (Fault::OverLimit | Fault::Overloaded, Some(seconds)) = (self.fault, self.retry_after) {
            said["retryAfter"] = json!(seconds.to_string());
        }
        let mut response = (status, Json(json!({ self.fault.name(): said }))).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Said(self.message));
        if let Some(lack) = self.lack {
            response.extensions_mut().insert(lack);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use ashlar_common::{driver::Kind, manager::Refusal, store};
    use axum::{http::HeaderValue, response::IntoResponse};

    use super::{super::lack::Lack, ApiError};

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
    fn who_is_to_ask_again_hears_when_in_header_and_body() {
        let response = ApiError::lacking(Lack::Writers, 7).into_response();
        assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (429, &HeaderValue::from(7)));
        assert_eq!(response.extensions().get(), Some(&Lack::Writers), "for the metrics");
        let soon = ApiError::lacking(Lack::Work, 0).into_response();
        assert_eq!(soon.headers()["retry-after"], "1");
        let many = ApiError::from(store::Error::Overloaded).into_response();
        assert_eq!((many.status().as_u16(), &many.headers()["retry-after"]), (429, &HeaderValue::from(1)));
        let away = ApiError::from(store::Error::Busy).into_response();
        assert_eq!((away.status().as_u16(), &away.headers()["retry-after"]), (503, &HeaderValue::from(1)));
        let no_room = ApiError::from(Refusal::NoRoom("full".into())).into_response();
        assert_eq!(no_room.headers()["retry-after"], "0", "asking again does not help");
        let unknown = ApiError::from(store::Error::Unknown).into_response();
        assert_eq!((unknown.status().as_u16(), unknown.headers().get("retry-after")), (504, None), "it may be done");
    }

    #[test]
    fn what_was_not_found_is_repeated_in_part_only() {
        assert!(ApiError::not_found("volume", "é".repeat(9000)).message().len() < 700);
    }
}
