//! Clients that make and remove volumes.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, bail};
use serde_json::json;

use crate::{
    stop::{Polled, Stop},
    up::api::{Api, text},
};

/// A client asks so often whether its volume is there.
const POLL: Duration = Duration::from_millis(1);
const LIMIT: Duration = Duration::from_secs(60);

/// What came of a load.
pub struct Load {
    /// The volumes it was about.
    pub ids: Vec<String>,
    /// From each request to its visible end; as many as volumes.
    pub times: Vec<Duration>,
    /// From the first request to the last end.
    pub elapsed: Duration,
}

/// Makes `count` volumes of 1 GiB with so many `clients`, each of which waits for its volume before it asks again.
///
/// # Errors
/// The service refuses or fails one.
pub fn create(api: &Api, count: usize, clients: usize, stop: &Stop) -> Result<Load> {
    each(count, clients, |number| {
        let started = Instant::now();
        let answer = api.post("volumes", &json!({ "volume": { "name": format!("bench-{number}"), "size": 1 } }))?;
        let id = text(&answer, "/volume/id")?.to_owned();
        let polled = stop.poll(POLL, LIMIT, || {
            let answer = api.get(&format!("volumes/{id}"))?;
            match text(&answer, "/volume/status")? {
                "available" => Ok(Some(started.elapsed())),
                "creating" => Ok(None),
                other => bail!("volume {id}: expected it to become available, got {other}"),
            }
        })?;
        found(polled, &id)
    })
}

/// Removes volumes with so many `clients`, each of which waits until its volume is gone.
///
/// # Errors
/// The service refuses or fails one.
pub fn delete(api: &Api, ids: &[String], clients: usize, stop: &Stop) -> Result<Load> {
    each(ids.len(), clients, |number| {
        let (id, started) = (&ids[number], Instant::now());
        api.delete(&format!("volumes/{id}"))?;
        let polled = stop.poll(POLL, LIMIT, || {
            let answer = api.call("GET", &format!("volumes/{id}"), None)?;
            Ok((answer.status == 404).then(|| started.elapsed()))
        })?;
        found(polled, id)
    })
}

fn found(polled: Polled<Duration>, id: &str) -> Result<(String, Duration)> {
    match polled {
        Polled::Found(elapsed) => Ok((id.to_owned(), elapsed)),
        Polled::TooLate => bail!("volume {id} is not done after {} s", LIMIT.as_secs()),
    }
}

fn each(count: usize, clients: usize, work: impl Fn(usize) -> Result<(String, Duration)> + Sync) -> Result<Load> {
    let (next, work, started) = (AtomicUsize::new(0), &work, Instant::now());
    let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < count);
    let client = || std::iter::from_fn(take).map(work).collect::<Result<Vec<_>>>();
    let done = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        let mut done = Vec::new();
        for thread in threads {
            done.extend(thread.join().map_err(|_| anyhow!("a client failed"))??);
        }
        Ok::<_, anyhow::Error>(done)
    })?;
    let elapsed = started.elapsed();
    let (ids, times) = done.into_iter().unzip();
    Ok(Load { ids, times, elapsed })
}
