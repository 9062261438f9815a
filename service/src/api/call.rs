//! What every handler of the API begins with: who asks, in which microversion, about what.

use std::str::FromStr;

use ashlar_common::{ids::VolumeId, manager::Requester};
use axum::{
    extract::{FromRequestParts, OriginalUri, RawPathParams},
    http::request::Parts,
};

use super::{
    error::ApiError,
    identity::identify,
    links::Links,
    microversion::{Microversion, Since},
    query::Query,
    request_id::RequestId,
};

/// A request, its body aside.
pub(crate) struct Call {
    pub(crate) who: Requester,
    pub(crate) version: Microversion,
    pub(crate) links: Links,
    pub(crate) query: Query,
    params: Vec<(String, String)>,
}

impl Call {
    /// A part of the path by its name in the route.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The id in the path. What is no id names nothing, so it is a thing not found.
    ///
    /// # Errors
    /// 404.
    pub(crate) fn id<T: FromStr>(&self, what: &'static str) -> Result<T, ApiError> {
        let text = self.param("id");
        text.parse().map_err(|_| ApiError::not_found(what, text))
    }

    /// The volume in the path.
    ///
    /// # Errors
    /// 404 when it is no id.
    pub(crate) fn volume(&self) -> Result<VolumeId, ApiError> {
        self.id("volume")
    }

    /// Fails where the microversion is older than what is asked.
    ///
    /// # Errors
    /// 404, as for a path that is not there.
    pub(crate) fn needs(&self, since: Since) -> Result<(), ApiError> {
        if self.version.has(since) {
            return Ok(());
        }
        Err(ApiError::new(
            super::error::Fault::NotFound,
            format!("not in version {}: ask for a newer one with OpenStack-API-Version: volume 3.N", self.version),
        ))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Call {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::bad_request("the path is not UTF-8: encode it so"))?;
        let params: Vec<_> = params.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let project = params.iter().find(|(key, _)| key == "project_id").map(|(_, value)| value.as_str());
        let identity = identify(&parts.headers, project)?;
        let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |uri| &uri.0);
        Ok(Self {
            links: Links::new(&parts.headers, uri, project),
            version: parts.extensions.get().copied().unwrap_or(Microversion::MIN),
            query: Query::of(uri)?,
            who: Requester { project_id: identity.project_id, user_id: identity.user_id, request_id },
            params,
        })
    }
}
