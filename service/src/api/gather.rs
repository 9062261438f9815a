//! Bodies of requests: read before anything is done for them, at a pace, into memory that is bounded for all together.
//!
//! So a client that sends slowly holds a connection and what it has sent, and no place among those worked on. The bytes are
//! copied into one buffer of known size: hyper's own pieces keep the buffers alive that they were read into.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    http::{HeaderValue, header::CONNECTION},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use super::{
    body::MAX_BODY,
    budget::{Budget, Loan, hold},
    error::ApiError,
    lack::Lack,
    oversize,
    state::ApiState,
};
use crate::http::{Limits, Pace, Watch};

/// Room for a usual body.
const FIRST: usize = 4096;
/// When to ask again where there is no memory: bodies come and go within fractions of a second.
const RETRY_AFTER: u64 = 1;

/// What became of a body.
enum Unread {
    TooLarge,
    TooSlow,
    Broken,
    NoMemory,
}

/// Reads the body, if there is one, and goes on with the whole of it.
pub(crate) async fn gather(State(api): State<ApiState>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (parts, mut body) = request.into_parts();
    let watch = parts.extensions.get::<Arc<Watch>>().cloned();
    if let Some(watch) = &watch {
        watch.awaits_body();
    }
    let read = read(&mut body, api.bodies(), api.connections().limits()).await;
    if let Some(watch) = &watch {
        watch.asked();
    }
    match read {
        Ok(bytes) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Err(unread) => refuse(unread, body).await,
    }
}

async fn read(body: &mut Body, budget: &Budget, limits: &Limits) -> Result<Bytes, Unread> {
    let mut pace = Pace::new(Instant::now());
    let mut buffer = Vec::new();
    let mut loan = None;
    loop {
        let frame = timeout_at(pace.deadline(limits), body.frame()).await.map_err(|_| Unread::TooSlow)?;
        let Some(frame) = frame else { break };
        let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() else { continue };
        if buffer.len() + data.len() > MAX_BODY {
            return Err(Unread::TooLarge);
        }
        pace.moved(data.len());
        grow(&mut buffer, data.len(), &mut loan, budget)?;
        buffer.extend_from_slice(&data);
    }
    let bytes = Bytes::from(buffer);
    Ok(loan.map_or_else(Bytes::new, |loan| hold(bytes, loan)))
}

/// Makes room for so many more bytes, in steps that double.
fn grow(buffer: &mut Vec<u8>, more: usize, loan: &mut Option<Loan>, budget: &Budget) -> Result<(), Unread> {
    let (needed, has) = (buffer.len() + more, buffer.capacity());
    if needed <= has {
        return Ok(());
    }
    let wanted = needed.max(has * 2).clamp(FIRST, MAX_BODY.max(needed));
    let further = budget.take(wanted - has).ok_or(Unread::NoMemory)?;
    match loan {
        Some(loan) => loan.merge(further),
        None => *loan = Some(further),
    }
    buffer.reserve_exact(wanted - buffer.len());
    Ok(())
}

async fn refuse(unread: Unread, body: Body) -> Response {
    let error = match unread {
        Unread::TooLarge => oversize::too_large(),
        Unread::Broken => ApiError::bad_request("the body ended early: send it again"),
        Unread::TooSlow => ApiError::slow_body(),
        Unread::NoMemory => {
            // Else the client would hear of a broken connection instead.
            oversize::forget(body).await;
            ApiError::lacking(Lack::Bodies, RETRY_AFTER)
        }
    };
    let mut response = error.into_response();
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        pin::Pin,
        task::{Context, Poll, ready},
        time::Duration,
    };

    use ashlar_common::config;
    use axum::body::{Body, Bytes, HttpBody};
    use http_body_util::Full;
    use hyper::body::Frame;
    use tokio::time::{Interval, interval};

    use super::{Budget, Limits, MAX_BODY, Unread, read};

    /// A body of a byte for each tick, for ever.
    struct Trickle(Interval);

    impl HttpBody for Trickle {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            ready!(self.0.poll_tick(cx));
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
        }
    }

    fn limits() -> Limits {
        Limits::from(&config::limits::Limits::default())
    }

    async fn check(mut body: Body, expected: Result<usize, &str>) {
        let budget = Budget::of_mib(1);
        let read = read(&mut body, &budget, &limits()).await;
        let said = read.as_ref().map(Bytes::len).map_err(|unread| match unread {
            Unread::TooLarge => "too large",
            Unread::TooSlow => "too slow",
            Unread::Broken => "broken",
            Unread::NoMemory => "no memory",
        });
        assert_eq!(said, expected);
        drop(read);
        assert_eq!(budget.lent(), 0);
    }

    #[tokio::test]
    async fn a_body_is_read_whole_or_not() {
        let body = |bytes| Body::new(Full::new(Bytes::from(vec![b'x'; bytes])));
        check(body(0), Ok(0)).await;
        check(body(1), Ok(1)).await;
        check(body(MAX_BODY), Ok(MAX_BODY)).await;
        check(body(MAX_BODY + 1), Err("too large")).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_is_given_up() {
        for pause in [Duration::from_secs(1), Duration::from_secs(3600)] {
            check(Body::new(Trickle(interval(pause))), Err("too slow")).await;
        }
        // Fast enough to be too large one day.
        check(Body::new(Trickle(interval(Duration::from_micros(100)))), Err("too large")).await;
    }

    #[tokio::test]
    async fn what_is_kept_is_lent() {
        let budget = Budget::of_mib(1);
        let mut kept = Vec::new();
        let refused = loop {
            let mut body = Body::from(vec![b'x'; MAX_BODY]);
            match read(&mut body, &budget, &limits()).await {
                Ok(bytes) => kept.push(bytes),
                Err(unread) => break unread,
            }
        };
        assert!(matches!(refused, Unread::NoMemory));
        assert_eq!(kept.len(), (1 << 20) / MAX_BODY);
    }
}
