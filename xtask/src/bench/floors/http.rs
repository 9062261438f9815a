//! Asking for the same bytes: of the service, and of a server on the same library that does nothing else.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use crate::{
    bench::client::{connection::Connection, crowd::crowd, histogram::Histogram},
    stop::Stop,
};

/// Times of asking `count` times, one after another, on one connection.
///
/// # Errors
/// Another answer than 200.
pub fn alone(address: SocketAddr, request: &[u8], count: usize) -> Result<Histogram> {
    let mut connection = Connection::open(address)?;
    // The first answer comes from caches that are still cold.
    connection.ask(request)?.wanted(200, "asking")?;
    let mut times = Histogram::default();
    for _ in 0..count {
        let started = Instant::now();
        connection.ask(request)?.wanted(200, "asking")?;
        times.record(started.elapsed());
    }
    Ok(times)
}

/// Times of asking for that long on so many connections, and how long it really was.
///
/// # Errors
/// Another answer than 200, or somebody asked to stop.
pub fn together(
    address: SocketAddr,
    request: &[u8],
    connections: usize,
    spell: Duration,
    stop: &Stop,
) -> Result<(Histogram, Duration)> {
    let begun = Instant::now();
    let (all, elapsed) = crowd(address, connections, |mut connection| {
        let mut times = Histogram::default();
        while begun.elapsed() < spell {
            ensure!(!stop.asked(), "interrupted");
            let started = Instant::now();
            connection.ask(request)?.wanted(200, "asking")?;
            times.record(started.elapsed());
        }
        Ok(times)
    })?;
    let mut times = Histogram::default();
    all.iter().for_each(|own| times.add(own));
    Ok((times, elapsed))
}
