//! What a request costs: pure.

use axum::http::Method;

/// One unit for so many entries that a list may have. A thousand volumes take about three MiB while they are made
/// into an answer.
const ENTRIES: u32 = 64;
/// One more unit for so many bytes of a body, which take several times that once they are read.
const BYTES: u64 = 16 << 10;

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// It needs the store alone, and a little of it.
    Work,
    /// It makes a list, or sums one up.
    Lists,
    /// It may have to wait for a host: a minute, where the host is down.
    HostCalls,
}

/// Where a request stands, and how much of what is there it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) line: Line,
    pub(super) units: u32,
}

/// What is known of a request before it is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    /// The template of its path.
    pub(super) route: &'a str,
    pub(super) query: Option<&'a str>,
    /// Bytes of its body.
    pub(super) body: u64,
    /// Entries of a list where the query says nothing.
    pub(super) page_limit: u32,
}

pub(super) fn cost(asked: &Asked<'_>) -> Cost {
    if waits_for_host(asked.method, asked.route) {
        // Counted by requests: they wait, and waiting costs the same for each.
        return Cost { line: Line::HostCalls, units: 1 };
    }
    if is_list(asked.method, asked.route) {
        return Cost { line: Line::Lists, units: entries(asked.query, asked.page_limit).div_ceil(ENTRIES).max(1) };
    }
    let bytes = u32::try_from(asked.body / BYTES).unwrap_or(u32::MAX);
    Cost { line: Line::Work, units: bytes.saturating_add(1) }
}

/// Attaching and detaching, both ways of asking for it. Which action it is stands in the body, so all actions are here.
fn waits_for_host(method: &Method, route: &str) -> bool {
    let path = route.split_once("/attachments").map(|(_, rest)| rest);
    match path {
        Some("") => method == Method::POST,
        Some(_) => method == Method::PUT || method == Method::DELETE,
        None => method == Method::POST && route.ends_with("/volumes/{id}/action"),
    }
}

fn is_list(method: &Method, route: &str) -> bool {
    const LISTS: [&str; 6] = ["/detail", "/volumes", "/snapshots", "/attachments", "/messages", "/volumes/summary"];
    method == Method::GET && LISTS.iter().any(|list| route.ends_with(list))
}

/// As many as asked for; what is not understood here is refused later, and counts as a whole page until then.
fn entries(query: Option<&str>, page_limit: u32) -> u32 {
    let asked = query.into_iter().flat_map(|query| query.split('&')).find_map(|part| part.strip_prefix("limit="));
    asked.and_then(|count| count.parse().ok()).unwrap_or(page_limit).min(page_limit)
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use super::{Asked, Cost, Line, cost};

    fn check(asked: &str, body: u64, line: Line, units: u32) {
        let (method, path) = asked.split_once(' ').expect("a method and a path");
        let (route, query) = path.split_once('?').map_or((path, None), |(route, query)| (route, Some(query)));
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let cost = cost(&Asked { method: &method, route, query, body, page_limit: 1000 });
        assert_eq!(cost, Cost { line, units }, "{asked}");
    }

    #[test]
    fn a_read_is_one_unit() {
        check("GET /v3/{project_id}/volumes/{id}", 0, Line::Work, 1);
        check("GET /v3/limits", 0, Line::Work, 1);
        check("GET ", 0, Line::Work, 1);
    }

    #[test]
    fn a_list_is_its_entries() {
        check("GET /v3/{project_id}/volumes", 0, Line::Lists, 16);
        check("GET /v3/volumes/detail?limit=1000", 0, Line::Lists, 16);
        check("GET /v3/volumes/detail?name=a&limit=10", 0, Line::Lists, 1);
        check("GET /v3/volumes?limit=0", 0, Line::Lists, 1);
        check("GET /v3/volumes/detail?limit=4000000000", 0, Line::Lists, 16);
        check("GET /v3/volumes/detail?limit=many", 0, Line::Lists, 16);
        check("GET /v3/attachments", 0, Line::Lists, 16);
    }

    #[test]
    fn a_body_is_its_bytes() {
        check("POST /v3/volumes", 300, Line::Work, 1);
        check("POST /v3/volumes", 114_688, Line::Work, 8);
    }

    #[test]
    fn what_waits_for_a_host_stands_apart() {
        check("POST /v3/{project_id}/attachments", 100, Line::HostCalls, 1);
        check("PUT /v3/attachments/{id}", 100, Line::HostCalls, 1);
        check("DELETE /v3/attachments/{id}", 0, Line::HostCalls, 1);
        check("POST /v3/volumes/{id}/action", 100, Line::HostCalls, 1);
        check("GET /v3/attachments/{id}", 0, Line::Work, 1);
        check("POST /v3/snapshots/{id}/action", 100, Line::Work, 1);
    }
}
