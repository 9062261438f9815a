//! Addresses in answers: as the client itself reached the service.

use axum::http::{HeaderMap, Uri, header::HOST};
use serde::Serialize;

/// A link, and what it leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Link {
    rel: &'static str,
    href: String,
}

/// Makes the links of one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Links {
    /// `http://host:port`.
    origin: String,
    /// `/project`, if the client's URL has one.
    project: String,
    /// The path of the request.
    path: String,
}

impl Links {
    pub(crate) fn new(headers: &HeaderMap, uri: &Uri, project: Option<&str>) -> Self {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).filter(|host| is_host(host));
        Self {
            origin: format!("http://{}", host.unwrap_or("localhost")),
            project: project.map(|project| format!("/{}", encode(project))).unwrap_or_default(),
            path: uri.path().to_owned(),
        }
    }

    /// `http://host:port/v3/`.
    pub(crate) fn root(&self) -> String {
        format!("{}/v3/", self.origin)
    }

    /// The links of one thing: `self` and `bookmark`.
    pub(crate) fn of(&self, collection: &str, id: &str) -> Vec<Link> {
        let Self { origin, project, .. } = self;
        vec![
            Link { rel: "self", href: format!("{origin}/v3{project}/{collection}/{id}") },
            Link { rel: "bookmark", href: format!("{origin}{project}/{collection}/{id}") },
        ]
    }

    /// The link to the next page: this request again, from behind `marker`.
    pub(crate) fn next(&self, query: &[(String, String)], marker: &str) -> Vec<Link> {
        let mut parts: Vec<String> = query
            .iter()
            .filter(|(key, _)| key != "marker" && key != "offset")
            .map(|(key, value)| format!("{}={}", encode(key), encode(value)))
            .collect();
        parts.push(format!("marker={}", encode(marker)));
        vec![Link { rel: "next", href: format!("{}{}?{}", self.origin, self.path, parts.join("&")) }]
    }
}

/// A client may send any `Host`; only what looks like one gets into answers.
fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 260
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
}

fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, Uri, header::HOST};

    use super::Links;

    fn links(host: &'static str) -> Links {
        let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(host))]);
        Links::new(&headers, &Uri::from_static("/v3/p/volumes/detail?x=1"), Some("p"))
    }

    #[test]
    fn the_next_page_keeps_what_was_asked() {
        let query = [("limit".to_owned(), "2".to_owned()), ("name~".to_owned(), "a&b".to_owned())];
        assert_eq!(
            links("h:1").next(&query, "m")[0].href,
            "http://h:1/v3/p/volumes/detail?limit=2&name~=a%26b&marker=m"
        );
    }

    #[test]
    fn a_host_that_is_none_is_not_repeated() {
        assert_eq!(links("evil/\"><script>").root(), "http://localhost/v3/");
        assert_eq!(links("[::1]:8776").root(), "http://[::1]:8776/v3/");
    }
}
