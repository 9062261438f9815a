//! Runs the steps one after another on a service of their own.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    report::{BAD, GOOD, Row, table, well},
    stage::Stage,
    steps::STEPS,
};
use crate::{
    stop::Stop,
    terminal,
    up::{api::Api, place::Place, programs::Programs, service::Service, tail::tail},
};

/// What the demonstration needs.
pub struct Demo<'a> {
    /// What is demonstrated.
    pub programs: &'a Programs,
    /// Holds the demonstration's directory while it runs.
    pub target: &'a Path,
    /// Where the service listens; anywhere on loopback when not given.
    pub listen: Option<SocketAddr>,
    /// Whether the directory stays.
    pub keep: bool,
    /// Whether the reader is no terminal.
    pub plain: bool,
    /// Ends it early.
    pub stop: &'a Stop,
}

/// Shows all steps up to the first that fails; whether none did. The directory stays after a failure, for its log.
///
/// # Errors
/// It could not begin.
pub fn demonstrate(demo: &Demo<'_>) -> Result<bool> {
    super::images::ensure_tool()?;
    let folder = tempfile::Builder::new().prefix("up-demo-").tempdir_in(demo.target);
    let mut folder = folder.with_context(|| format!("cannot make a directory in {}", demo.target.display()))?;
    folder.disable_cleanup(true);
    let listen = match demo.listen {
        Some(listen) => listen,
        None => free_port()?,
    };
    let place = Place::prepare(folder.path(), Some(listen), false)?;
    let api = Api::at(place.listen());
    let mut service = Service::start(demo.programs, &place)?;
    service.wait_ready(&api, demo.stop)?;
    let mut stage = Stage::new(api, service, demo.programs.clone(), place, demo.stop.clone());
    let rows = run_steps(&mut stage, demo);
    let log = stage.place.log();
    // Where the last step was not reached, the service still runs.
    drop(stage);
    terminal::print(&table(&rows, STEPS.len()));
    let well = well(&rows, STEPS.len());
    if demo.keep || !(well || demo.stop.asked()) {
        terminal::print(&format!("kept: {}\nthe log: {}\n", folder.path().display(), log.display()));
    } else {
        folder.disable_cleanup(false);
        folder.close().context("cannot remove the demonstration's directory")?;
    }
    Ok(well)
}

fn run_steps(stage: &mut Stage, demo: &Demo<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for (step, number) in STEPS.iter().zip(1..) {
        let title = format!("[{number:>2}/{}] {}", STEPS.len(), step.name);
        let bar = if demo.plain { ProgressBar::hidden() } else { spinner(&title) };
        let started = Instant::now();
        let outcome = (step.run)(stage).map_err(|error| format!("{error:#}"));
        let elapsed = started.elapsed();
        bar.finish_and_clear();
        let (style, word) = if outcome.is_ok() { (GOOD, "ok") } else { (BAD, "FAILED") };
        terminal::print(&format!("{style}{word:<6}{style:#} {title:<52} {:>5.1} s\n", elapsed.as_secs_f64()));
        let failed = outcome.is_err();
        if let Err(error) = &outcome {
            let log = if demo.stop.asked() { String::new() } else { tail(&stage.place.log()) };
            terminal::print(&format!("       {error}\n{log}"));
        }
        rows.push(Row { name: step.name, outcome, elapsed });
        if failed {
            break;
        }
    }
    rows
}

/// A port that was free a moment ago; the service says so if it is not any more.
///
/// # Errors
/// Nothing can listen on loopback.
pub fn free_port() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot listen on loopback")?;
    Ok(listener.local_addr()?)
}

fn spinner(title: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner}      {msg:52} {elapsed:>6}") {
        bar.set_style(style);
    }
    bar.set_message(title.to_owned());
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
