//! Clients that make, connect and remove volumes, and wait for each as clients of this API do.
//!
//! The API says 202 and the client looks again. How often it looks decides what it sees and what it costs, so a client
//! looks first when three quarters of the time have gone that its last volume took, and then each time an eighth of what
//! it has waited has gone again, but never sooner than after a quarter of a millisecond. So a time is told at most an
//! eighth too long, mostly less, and never too short; and 64 clients look about four times for each volume.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::json;

use super::client::{
    connection::Connection,
    crowd::{Tickets, crowd},
    histogram::Histogram,
    request::Requests,
};
use crate::stop::Stop;

const SHORTEST_PAUSE: Duration = Duration::from_micros(250);
const LIMIT: Duration = Duration::from_secs(60);

/// What came of a load.
#[derive(Debug, Default)]
pub struct Load {
    /// The volumes or attachments that were made.
    pub ids: Vec<String>,
    /// From each request to its answer.
    pub answered: Histogram,
    /// From each request to its visible end.
    pub ended: Histogram,
    /// From the first request to the last end.
    pub elapsed: Duration,
}

impl Load {
    /// Ends a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        super::figures::rate(self.ended.count(), self.elapsed)
    }

    /// Adds another one's times; the time between the two does not count.
    pub fn add(&mut self, other: Self) {
        self.ids.extend(other.ids);
        self.answered.add(&other.answered);
        self.ended.add(&other.ended);
        self.elapsed += other.elapsed;
    }
}

/// A client with what it has seen.
struct Client {
    connection: Connection,
    requests: Requests,
    load: Load,
    /// How long its last volume took.
    last: Duration,
}

/// Makes `count` volumes of 1 GiB with so many `clients`, each of which waits for its volume before it asks again.
///
/// # Errors
/// The service refuses or fails one.
pub fn create(requests: Requests, count: usize, clients: usize, stop: &Stop) -> Result<Load> {
    let tickets = Tickets::new(count, stop);
    run(requests, clients, &tickets, |client, number| {
        let body = json!({ "volume": { "name": format!("bench-{number}"), "size": 1 } });
        let request = client.requests.post("volumes", &body);
        let started = Instant::now();
        let reply = client.connection.ask(&request)?.wanted(202, "creating a volume")?;
        client.load.answered.record(started.elapsed());
        let id = reply.text("id")?.to_owned();
        let look = client.requests.get(&format!("volumes/{id}"));
        client.wait(started, |connection| {
            let reply = connection.ask(&look)?.wanted(200, "looking at a volume")?;
            match reply.text("status")? {
                "available" => Ok(true),
                "creating" => Ok(false),
                other => bail!("volume {id}: expected it to become available, got {other}"),
            }
        })?;
        client.load.ids.push(id);
        Ok(())
    })
}

/// Removes volumes with so many `clients`, each of which waits until its volume is gone.
///
/// # Errors
/// The service refuses or fails one.
pub fn delete(requests: Requests, ids: &[String], clients: usize, stop: &Stop) -> Result<Load> {
    let tickets = Tickets::new(ids.len(), stop);
    run(requests, clients, &tickets, |client, number| {
        let path = format!("volumes/{}", ids[number]);
        let (request, look) = (client.requests.delete(&path), client.requests.get(&path));
        let started = Instant::now();
        client.connection.ask(&request)?.wanted(202, "deleting a volume")?;
        client.load.answered.record(started.elapsed());
        client.wait(started, |connection| Ok(connection.ask(&look)?.status == 404))
    })
}

/// Connects volumes with so many `clients`. The answer holds the connection, so the service gives it when its host has made
/// it, and nobody looks again.
///
/// # Errors
/// The service refuses or fails one.
pub fn attach(requests: Requests, volumes: &[String], clients: usize, stop: &Stop) -> Result<Load> {
    let tickets = Tickets::new(volumes.len(), stop);
    run(requests, clients, &tickets, |client, number| {
        let connector = json!({ "host": "bench", "initiator": "iqn.2026-11.org.example:bench", "ip": "127.0.0.1" });
        let body = json!({ "attachment": {
            "volume_uuid": volumes[number], "instance_uuid": volumes[number], "connector": connector, "mode": "rw",
        } });
        let request = client.requests.post("attachments", &body);
        let started = Instant::now();
        let reply = client.connection.ask(&request)?.wanted(200, "attaching a volume")?;
        client.load.ended.record(started.elapsed());
        let id = reply.text("id")?.to_owned();
        client.load.ids.push(id);
        Ok(())
    })
}

/// Ends attachments, likewise.
///
/// # Errors
/// The service refuses or fails one.
pub fn detach(requests: Requests, attachments: &[String], clients: usize, stop: &Stop) -> Result<Load> {
    let tickets = Tickets::new(attachments.len(), stop);
    run(requests, clients, &tickets, |client, number| {
        let request = client.requests.delete(&format!("attachments/{}", attachments[number]));
        let started = Instant::now();
        client.connection.ask(&request)?.wanted(200, "detaching a volume")?;
        client.load.ended.record(started.elapsed());
        Ok(())
    })
}

fn run(
    requests: Requests,
    clients: usize,
    tickets: &Tickets<'_>,
    work: impl Fn(&mut Client, usize) -> Result<()> + Sync,
) -> Result<Load> {
    let (loads, elapsed) = crowd(requests.address(), clients, |connection| {
        let mut client = Client { connection, requests, load: Load::default(), last: Duration::ZERO };
        while let Some(number) = tickets.take()? {
            work(&mut client, number)?;
        }
        Ok(client.load)
    })?;
    let mut all = Load::default();
    loads.into_iter().for_each(|load| all.add(load));
    Ok(Load { elapsed, ..all })
}

impl Client {
    fn wait(&mut self, started: Instant, mut seen: impl FnMut(&mut Connection) -> Result<bool>) -> Result<()> {
        let first = self.last * 3 / 4;
        std::thread::sleep(first.saturating_sub(started.elapsed()));
        while !seen(&mut self.connection)? {
            if started.elapsed() > LIMIT {
                bail!("a volume is not done after {} s", LIMIT.as_secs());
            }
            std::thread::sleep((started.elapsed() / 8).max(SHORTEST_PAUSE));
        }
        self.last = started.elapsed();
        self.load.ended.record(self.last);
        Ok(())
    }
}
