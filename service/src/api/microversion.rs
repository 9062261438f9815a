//! Microversions: what each changes in what is served here, and how a client asks for one.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, header::VARY},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::error::{ApiError, Fault};

/// The header that asks for a microversion and says which was served.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("openstack-api-version");

/// A microversion, 3.0 to [`Microversion::MAX`]: the number behind the dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Microversion(u16);

/// Something that began with a microversion.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Since(u16);

/// `/messages`.
pub(crate) const MESSAGES: Since = Since(3);
/// Services say their cluster.
pub(crate) const SERVICE_CLUSTER: Since = Since(7);
/// `/volumes/summary`.
pub(crate) const SUMMARY: Since = Since(12);
/// Volumes say their group.
pub(crate) const VOLUME_GROUP: Since = Since(13);
/// Snapshots say their group snapshot.
pub(crate) const GROUP_SNAPSHOT: Since = Since(14);
/// Volumes say their provider's id.
pub(crate) const PROVIDER_ID: Since = Since(21);
/// `/attachments`.
pub(crate) const ATTACHMENTS: Since = Since(27);
/// `/resource_filters`.
pub(crate) const RESOURCE_FILTERS: Since = Since(33);
/// `name~` and the like.
pub(crate) const LIKE_FILTERS: Since = Since(34);
/// The summary adds up metadata.
pub(crate) const SUMMARY_METADATA: Since = Since(36);
/// The action `revert`.
pub(crate) const REVERT: Since = Since(40);
/// Snapshots say their user.
pub(crate) const SNAPSHOT_USER: Since = Since(41);
/// Volumes in use may grow.
pub(crate) const EXTEND_IN_USE: Since = Since(42);
/// The action `os-complete` of attachments.
pub(crate) const COMPLETE: Since = Since(44);
/// Lists say how many entries there are when asked `with_count`.
pub(crate) const WITH_COUNT: Since = Since(45);
/// Volumes say `shared_targets` and `service_uuid`.
pub(crate) const SHARED_TARGETS: Since = Since(48);
/// Services say the state of their backend.
pub(crate) const BACKEND_STATE: Since = Since(49);
/// Attachments are made with a `mode`.
pub(crate) const ATTACH_MODE: Since = Since(54);
/// Lists are filtered by time.
pub(crate) const TIME_FILTERS: Since = Since(60);
/// Volumes say their cluster.
pub(crate) const VOLUME_CLUSTER: Since = Since(61);
/// Volumes say their type's id.
pub(crate) const TYPE_ID: Since = Since(63);
/// Volumes and snapshots say whether they count in quotas, and may be filtered by it.
pub(crate) const CONSUMES_QUOTA: Since = Since(65);
/// Snapshots of volumes in use need no `force`.
pub(crate) const FORCELESS_SNAPSHOT: Since = Since(66);

impl Microversion {
    /// What clients get that ask for nothing.
    pub(crate) const MIN: Self = Self(0);
    /// The newest. What lies between and changes only what is not served here (groups, transfers, backups, clusters,
    /// encryption: 3.8 to 3.70) changes nothing; 3.67 made the project in the URL optional, which it is here always.
    pub(crate) const MAX: Self = Self(70);

    /// Whether it is served in this microversion.
    pub(crate) fn has(self, what: Since) -> bool {
        self.0 >= what.0
    }

    #[cfg(test)]
    pub(crate) const fn minor(minor: u16) -> Self {
        Self(minor)
    }

    /// Reads the header: a list of `service version`, of which the one for `volume` counts.
    ///
    /// # Errors
    /// 400 when it cannot be read, 406 when it is not served.
    pub(crate) fn negotiate(headers: &HeaderMap) -> Result<Self, ApiError> {
        for header in headers.get_all(HEADER) {
            let text = header.to_str().map_err(|_| malformed("..."))?;
            for entry in text.split(',') {
                let mut words = entry.split_whitespace();
                match (words.next(), words.next(), words.next()) {
                    (Some("volume"), Some(version), None) => return Self::parse(version),
                    (Some("volume"), _, _) => return Err(malformed(entry)),
                    // Another service's.
                    _ => {}
                }
            }
        }
        Ok(Self::MIN)
    }

    fn parse(text: &str) -> Result<Self, ApiError> {
        if text == "latest" {
            return Ok(Self::MAX);
        }
        let (major, minor) = text.split_once('.').ok_or_else(|| malformed(text))?;
        let plain = |part: &str| {
            let digits = !part.is_empty() && part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
            (digits && (part == "0" || !part.starts_with('0'))).then(|| part.parse::<u16>().ok()).flatten()
        };
        match (plain(major), plain(minor)) {
            (Some(3), Some(minor)) if minor <= Self::MAX.0 => Ok(Self(minor)),
            (Some(_), Some(_)) => Err(ApiError::new(
                Fault::NotAcceptable,
                format!("version {text} is not served: ask for {} to {}", Self::MIN, Self::MAX),
            )),
            _ => Err(malformed(text)),
        }
    }
}

fn malformed(text: &str) -> ApiError {
    let shown: String = text.chars().take(60).collect();
    ApiError::bad_request(format!(
        "OpenStack-API-Version {shown:?} is malformed: write \"volume 3.N\" or \"volume latest\""
    ))
}

impl std::fmt::Display for Microversion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "3.{}", self.0)
    }
}

/// Settles the microversion before a handler sees the request, and says it in the answer.
pub(crate) async fn settle(mut request: Request, next: Next) -> Response {
    let (version, mut response) = match Microversion::negotiate(request.headers()) {
        Ok(version) => {
            request.extensions_mut().insert(version);
            (version, next.run(request).await)
        }
        Err(error) => (Microversion::MIN, error.into_response()),
    };
    let said = HeaderValue::try_from(format!("volume {version}")).expect("digits and a dot are a header value");
    response.headers_mut().insert(HEADER, said);
    response.headers_mut().insert(VARY, HeaderValue::from_static("OpenStack-API-Version"));
    response
}

#[cfg(test)]
mod tests {
    use axum::{http::HeaderMap, response::IntoResponse};

    use super::{HEADER, Microversion};

    fn check(asked: &str, expected: Result<u16, u16>) {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, asked.parse().expect("a header value"));
        let got = Microversion::negotiate(&headers);
        let got = got.map(|version| version.0).map_err(|error| error.into_response().status().as_u16());
        assert_eq!(got, expected, "{asked}");
    }

    #[test]
    fn a_version_in_range_is_taken() {
        check("volume 3.0", Ok(0));
        check("volume 3.27", Ok(27));
        check("volume latest", Ok(70));
        check("compute 2.1, volume 3.50", Ok(50));
        check("compute 2.1", Ok(0));
    }

    #[test]
    fn a_version_out_of_range_is_not_acceptable() {
        check("volume 3.71", Err(406));
        check("volume 2.0", Err(406));
        check("volume 4.0", Err(406));
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for asked in ["volume", "volume 3", "volume 3.x", "volume 3.01", "volume 3.1.1", "volume 3.1 x", "volume -3.1"]
        {
            check(asked, Err(400));
        }
    }

    #[test]
    fn nothing_asked_is_the_oldest() {
        assert_eq!(Microversion::negotiate(&HeaderMap::new()), Ok(Microversion::MIN));
    }
}
