//! Reading a request's body: bounded, JSON, one object.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::{HeaderMap, header::CONTENT_TYPE},
};
use serde_json::{Map, Value};

use super::{
    error::{ApiError, Fault},
    object::Object,
    oversize::too_large,
};

/// The largest body, as in Cinder. No request of the API comes near it.
pub(crate) const MAX_BODY: usize = 114_688;

/// The members of the object that a request's body is. Nesting is bounded by the parser, at 128.
pub(crate) struct Body(Map<String, Value>);

impl Body {
    /// The object under `key`, where the body must hold nothing else.
    ///
    /// # Errors
    /// 400.
    pub(crate) fn object(mut self, key: &str) -> Result<Object, ApiError> {
        match (self.0.remove(key), self.0.keys().next()) {
            (Some(Value::Object(fields)), None) => Ok(Object::new(key, fields)),
            (Some(_), None) => Err(ApiError::bad_request(format!("{key} must be an object"))),
            (None, _) => Err(ApiError::bad_request(format!("the body must be {{\"{key}\": {{...}}}}"))),
            (Some(_), Some(other)) => Err(super::object::unknown(other, "the body")),
        }
    }

    /// A member that may stand beside the object; `None` if absent or null.
    pub(crate) fn take(&mut self, member: &str) -> Option<Value> {
        self.0.remove(member).filter(|value| !value.is_null())
    }

    /// The body's only member: its name, and what it holds.
    ///
    /// # Errors
    /// 400 when there are none or several.
    pub(crate) fn single(self) -> Result<(String, Value), ApiError> {
        let mut members = self.0.into_iter();
        match (members.next(), members.next()) {
            (Some(member), None) => Ok(member),
            _ => {
                Err(ApiError::bad_request("the body must be an object with one member, such as {\"os-extend\": {...}}"))
            }
        }
    }

    /// All members, as the fields of an object.
    pub(crate) fn flat(self) -> Object {
        Object::new("the body", self.0)
    }
}

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        check_type(request.headers())?;
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| match rejection {
            BytesRejection::FailedToBufferBody(axum::extract::rejection::FailedToBufferBody::LengthLimitError(_)) => {
                too_large()
            }
            _ => ApiError::bad_request("the body ended early: send it again"),
        })?;
        match serde_json::from_slice(&bytes) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) => Err(ApiError::bad_request("the body must be a JSON object")),
            Err(error) => Err(ApiError::bad_request(format!("the body is not JSON: {error}"))),
        }
    }
}

/// A missing type is taken for JSON; any other than JSON is refused, a form above all.
fn check_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(kind) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let kind = kind.to_str().unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.is_empty() || kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(ApiError::new(Fault::MediaType, "the body's type is not served: send Content-Type: application/json"))
}
