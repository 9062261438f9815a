//! Pages of volumes.

use anyhow::{Result, ensure};

use crate::bench::{
    aims::{Goal, PAGE},
    client::{connection::Connection, histogram::Histogram},
    figures::Figure,
    floors::http::alone,
    part::ROUNDS,
    run::Stage,
    subject::Subject,
};

/// A page in full, short and detailed, in turns with a server that only answers.
///
/// # Errors
/// The service does not answer.
pub fn measure(stage: &mut Stage<'_>, subject: &Subject<'_>) -> Result<()> {
    let page = stage.run.size.page;
    // Records are enough: no list asks a backend.
    stage.run.helpers.fill(&subject.config(), "volumes", page)?;
    for (name, path, goal) in [("GET volumes", "volumes", Goal::NONE), ("GET volumes/detail", "volumes/detail", PAGE)] {
        let path = format!("{path}?limit={page}");
        pages(stage, subject, &format!("{name}, {page}"), &path, goal)?;
    }
    Ok(())
}

/// Times of one page, which must be full.
///
/// # Errors
/// The service does not answer, or with less.
pub fn pages(stage: &mut Stage<'_>, subject: &Subject<'_>, name: &str, path: &str, goal: Goal) -> Result<()> {
    stage.say(name);
    let (request, address, size) = (subject.requests.get(path), subject.requests.address(), stage.run.size);
    let body = Connection::open(address)?.ask(&request)?.wanted(200, name)?.body.to_owned();
    let listed = String::from_utf8_lossy(&body).matches("\"bookmark\"").count();
    ensure!(listed == size.page, "{name}: expected {} volumes, got {listed}", size.page);
    let bare = stage.run.helpers.bare(&stage.directory, &body)?;
    let (mut times, mut floor) = (Histogram::default(), Histogram::default());
    for _ in 0..ROUNDS {
        floor.add(&alone(bare.address, &request, size.lists / ROUNDS)?);
        times.add(&alone(address, &request, size.lists / ROUNDS)?);
    }
    let [p50, p95, _] = Figure::percentiles(&format!("{name} ({} KiB)", body.len() >> 10), &times, goal);
    stage.figures.extend([p50.over("a bare axum server, same bytes", floor.median()), p95]);
    Ok(())
}
