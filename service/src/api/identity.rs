//! Who asks. Without authentication for now, and therefore on loopback only: the client says who it is.
//!
//! The seam for Keystone: it will put an [`Identity`] where [`identify`] makes one up.

use axum::http::HeaderMap;

use super::error::ApiError;

/// Who asks, and for which project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) user_id: String,
    pub(crate) project_id: String,
}

/// Who nobody in particular is.
const ADMIN: &str = "admin";
const MAX_LENGTH: usize = 255;

/// The identity that the token `user:project` of cinderclient's `noauth` and the URL's project name.
///
/// # Errors
/// 400 when they name different projects, or one that cannot be a project's id.
pub(crate) fn identify(headers: &HeaderMap, url_project: Option<&str>) -> Result<Identity, ApiError> {
    let token = headers.get("x-auth-token").and_then(|token| token.to_str().ok()).unwrap_or_default();
    // A token without a colon is a real one, of a client that authenticated elsewhere: it names nobody here.
    let (user, token_project) = match token.split_once(':') {
        Some((user, project)) => (Some(user).filter(|user| !user.is_empty()), Some(project)),
        None => (None, None),
    };
    let token_project = token_project.filter(|project| !project.is_empty());
    if let (Some(token), Some(url)) = (token_project, url_project)
        && token != url
    {
        return Err(ApiError::bad_request(format!(
            "the token is for project {token:?} and the URL for {url:?}: use the same in both"
        )));
    }
    let user_id = user.unwrap_or(ADMIN).to_owned();
    let project_id = token_project.or(url_project).unwrap_or(ADMIN).to_owned();
    for id in [&user_id, &project_id] {
        let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.@+".contains(&byte));
        if !plain || id.len() > MAX_LENGTH {
            return Err(ApiError::bad_request(format!(
                "a user or project id is 1 to {MAX_LENGTH} letters, digits, '-', '_', '.', '@' or '+'"
            )));
        }
    }
    Ok(Identity { user_id, project_id })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::identify;

    fn check(token: Option<&str>, url: Option<&str>, expected: Option<(&str, &str)>) {
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            headers.insert("x-auth-token", token.parse().expect("a header value"));
        }
        let got = identify(&headers, url).ok();
        let got = got.as_ref().map(|identity| (identity.user_id.as_str(), identity.project_id.as_str()));
        assert_eq!(got, expected, "{token:?} {url:?}");
    }

    #[test]
    fn token_and_url_together_say_who_asks() {
        check(None, None, Some(("admin", "admin")));
        check(None, Some("p"), Some(("admin", "p")));
        check(Some("u:p"), None, Some(("u", "p")));
        check(Some("u:p"), Some("p"), Some(("u", "p")));
        check(Some("u:"), Some("p"), Some(("u", "p")));
        check(Some("gAAAAABl"), Some("p"), Some(("admin", "p")));
    }

    #[test]
    fn contradictions_and_odd_names_are_refused() {
        check(Some("u:p"), Some("q"), None);
        check(None, Some("../etc"), None);
        check(Some("u:p\u{e9}"), None, Some(("admin", "admin")));
        check(None, Some(&"p".repeat(256)), None);
    }
}
