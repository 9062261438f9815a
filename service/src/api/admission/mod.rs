//! Admission: how much is worked on at once, how many wait for their turn, and what the others hear.
//!
//! There are three lines: one for lists, counted by their entries; one for calls that may have to wait for a backend's
//! host; and one for all others. So neither who asks for many lists nor a host that does not answer keeps anybody from
//! reading or making a volume. A request that finds its line full, or does not get
//! its turn in time, is answered 429 with the seconds after which to ask again, reckoned from how fast the line moves
//! ([`drain`]); nothing was done for it.

mod cost;
mod drain;
mod gate;

use ashlar_common::config::limits::Limits;
use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};

use self::cost::{Asked, Line, cost};
pub(crate) use self::gate::Gate;
use super::{error::ApiError, lack::Lack, state::ApiState};

/// The lines of an API process.
#[derive(Debug)]
pub(crate) struct Admission {
    work: Gate,
    lists: Gate,
    host_calls: Gate,
}

impl Admission {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            work: Gate::new(limits.work, limits),
            lists: Gate::new(limits.lists, limits),
            host_calls: Gate::new(limits.host_calls, limits),
        }
    }

    /// The lines, with the names they have in the metrics.
    pub(crate) fn lines(&self) -> [(&'static str, &Gate); 3] {
        [("work", &self.work), ("lists", &self.lists), ("host_calls", &self.host_calls)]
    }
}

/// Lets the request in when it is its turn.
pub(crate) async fn admit(State(api): State<ApiState>, request: Request, next: Next) -> Response {
    let cost = cost(&Asked {
        method: request.method(),
        route: request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str),
        query: request.uri().query(),
        body: axum::body::HttpBody::size_hint(request.body()).exact().unwrap_or(0),
        page_limit: api.settings().page_limit,
    });
    let (gate, lack) = match cost.line {
        Line::Work => (&api.admission().work, Lack::Work),
        Line::Lists => (&api.admission().lists, Lack::Lists),
        Line::HostCalls => (&api.admission().host_calls, Lack::HostCalls),
    };
    let place = match gate.enter(cost.units).await {
        Ok(place) => place,
        Err(full) => return ApiError::lacking(lack, full.retry_after).into_response(),
    };
    let response = next.run(request).await;
    drop(place);
    response
}
