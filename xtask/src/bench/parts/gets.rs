//! One volume, asked for again and again.

use anyhow::{Context, Result};

use crate::bench::{
    aims::{GET, GETS, Goal},
    client::{connection::Connection, histogram::Histogram},
    figures::{Figure, rate},
    floors::http::{alone, together},
    part::ROUNDS,
    run::Stage,
    subject::Subject,
};

const CONNECTIONS: usize = 16;
const FLOOR: &str = "a bare axum server, same bytes";

/// On one connection, then on 16; in turns with a server that only answers.
///
/// # Errors
/// The service does not answer.
pub fn measure(stage: &mut Stage<'_>, subject: &Subject<'_>) -> Result<()> {
    stage.ensure_volumes(subject, 1)?;
    let volume = stage.volumes.last().context("there is a volume")?;
    let request = subject.requests.get(&format!("volumes/{volume}"));
    let address = subject.requests.address();
    let body = Connection::open(address)?.ask(&request)?.wanted(200, "GET one volume")?.body.to_owned();
    let bare = stage.run.helpers.bare(&stage.directory, &body)?;
    let (size, stop) = (stage.run.size, stage.run.stop);

    stage.say("GET, 1 connection");
    let (mut times, mut floor) = (Histogram::default(), Histogram::default());
    for _ in 0..ROUNDS {
        floor.add(&alone(bare.address, &request, size.gets / ROUNDS)?);
        times.add(&alone(address, &request, size.gets / ROUNDS)?);
    }
    let [p50, p95, p99] = Figure::percentiles("GET one volume, 1 connection", &times, GET);
    stage.figures.extend([p50.over(FLOOR, floor.median()), p95, p99]);

    stage.say("GET, 16 connections");
    let (mut all, mut served, mut bare_served) = (Histogram::default(), 0.0_f64, 0.0_f64);
    for _ in 0..ROUNDS {
        let (times, elapsed) = together(bare.address, &request, CONNECTIONS, size.spell, stop)?;
        bare_served += rate(times.count(), elapsed);
        let (times, elapsed) = together(address, &request, CONNECTIONS, size.spell, stop)?;
        served += rate(times.count(), elapsed);
        all.add(&times);
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let rounds = ROUNDS as f64;
    let name = format!("GET one volume, {CONNECTIONS} connections");
    stage.figures.push(Figure::rate(&name, served / rounds).toward(GETS).under(FLOOR, bare_served / rounds));
    stage.figures.extend(Figure::percentiles(&name, &all, Goal::NONE));
    Ok(())
}
