//! Accepting connections and attending to each.

use std::{convert::Infallible, io, pin::pin, sync::Arc, time::Duration};

use axum::{Router, body::Body, response::Response};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    time::MissedTickBehavior,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use super::{
    connections::{Connections, Place},
    pace::Limits,
    stream::Watched,
    watch::Watch,
};

/// How long to wait when the system has no room for another connection, as when too many files are open.
const PAUSE: Duration = Duration::from_millis(250);
/// The longest time between two looks at who is late.
const LOOK: Duration = Duration::from_secs(1);

/// Serves until `stop` fires; then returns when what was asked is answered.
pub async fn serve(listener: TcpListener, router: Router, connections: Connections, stop: CancellationToken) {
    let tasks = TaskTracker::new();
    let serving = tasks.clone();
    tokio::select! {
        () = accept(&listener, &router, &connections, &serving, &stop) => {}
        () = look_after(&connections) => {}
        () = stop.cancelled() => {}
    }
    drop(listener);
    tasks.close();
    connections.end_unasked();
    // Answers that nobody reads still come to their end.
    tokio::select! {
        () = tasks.wait() => {}
        () = look_after(&connections) => {}
    }
}

async fn accept(
    listener: &TcpListener,
    router: &Router,
    connections: &Connections,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) if is_of_the_client(&error) => continue,
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted now");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // It is accepted before there is a place, since only then somebody is there to make room for.
        let place = connections.place().await;
        // Answers are written whole; waiting for more to send with them would only delay them.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection with delays");
        }
        tasks.spawn(attend(stream, place, router.clone(), *connections.limits(), stop.clone()));
    }
}

/// It went away before we came to it.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Ends connections whose clients are late, for ever.
async fn look_after(connections: &Connections) {
    let limits = connections.limits();
    let shortest = limits.idle.min(limits.head).min(limits.stall);
    let mut looks = tokio::time::interval((shortest / 4).clamp(Duration::from_millis(10), LOOK));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        connections.end_overdue();
    }
}

async fn attend(stream: TcpStream, place: Place, router: Router, limits: Limits, stop: CancellationToken) {
    let watch = place.watch();
    let service = service_fn(|request| answer(request, router.clone(), Arc::clone(watch)));
    let io = TokioIo::new(Watched::new(stream, Arc::clone(watch)));
    // The watch bounds the time of a head, and that between two, each in its own measure. At most 100 headers are hyper's
    // default, which costs no allocation.
    let mut http = http1::Builder::new();
    http.header_read_timeout(None).max_buf_size(limits.head_bytes);
    let mut connection = pin!(http.serve_connection(io, service));
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(error = &error as &dyn std::error::Error, "a connection broke");
                }
                return;
            }
            () = watch.closed() => return,
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

async fn answer(request: Request<Incoming>, router: Router, watch: Arc<Watch>) -> Result<Response, Infallible> {
    watch.asked();
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(Arc::clone(&watch));
    let answered = router.oneshot(request).await;
    watch.answered();
    answered
}
