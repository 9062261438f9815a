//! From asking for a volume until it is available.

use std::time::Duration;

use anyhow::Result;

use super::memory::Watch;
use crate::bench::{
    aims::{CREATE, CREATES_16, CREATES_64, Goal},
    client::histogram::Histogram,
    figures::{Figure, rate},
    floors::{disk, sql},
    load::{Load, create},
    part::{Part, ROUNDS},
    run::Stage,
    subject::Subject,
};

/// As many as a host works on at once, unless told otherwise.
const MAKERS: usize = 16;
const FLOOR: &str = "a file made and renamed, 3 commits, all synced";

/// By 1, 16 and 64 clients.
///
/// # Errors
/// The service does not make a volume.
pub fn measure(stage: &mut Stage<'_>, subject: &Subject<'_>) -> Result<()> {
    stage.say("creating, 1 client");
    // The first volumes come from caches that are still cold.
    let warm = create(subject.requests, ROUNDS, 1, stage.run.stop)?;
    stage.volumes.extend(warm.ids);
    let (mut load, floor) = one_client(stage, subject)?;
    stage.volumes.append(&mut load.ids);
    let [p50, p95, p99] = Figure::percentiles("create to available, 1 client", &load.ended, CREATE);
    let accepted = Figure::time("create to 202, 1 client, p50", load.answered.median());
    stage.figures.extend([accepted, p50.over(FLOOR, floor), p95, p99]);
    many_clients(stage, subject, 16, CREATES_16)?;
    many_clients(stage, subject, 64, CREATES_64)
}

/// In rounds with its floor: a file, and the commits of one volume.
fn one_client(stage: &Stage<'_>, subject: &Subject<'_>) -> Result<(Load, Duration)> {
    let (mut load, mut files, mut commits) = (Load::default(), Histogram::default(), Histogram::default());
    let count = stage.run.size.alone / ROUNDS;
    for _ in 0..ROUNDS {
        files.add(&disk::files(&stage.directory, count)?);
        commits.record(stage.commits(count)?.each);
        load.add(create(subject.requests, count, 1, stage.run.stop)?);
    }
    Ok((load, files.median() + commits.median() * sql::COMMITS))
}

fn many_clients(stage: &mut Stage<'_>, subject: &Subject<'_>, clients: usize, goal: Goal) -> Result<()> {
    stage.say(&format!("creating, {clients} clients"));
    let count = stage.run.size.together;
    let made = disk::files_together(&stage.directory, count / 4, MAKERS)?;
    let floor = rate(u64::try_from(count / 4)?, made);
    let watch = Watch::over(subject)?;
    let load = create(subject.requests, count, clients, stage.run.stop)?;
    let most = watch.most()?;
    let name = format!("volumes a second, {clients} clients");
    let made = format!("files made and renamed by {MAKERS} threads, all synced");
    stage.figures.push(Figure::rate(name, load.rate()).toward(goal).under(made, floor));
    let name = format!("create to available, {clients} clients");
    stage.figures.extend(Figure::percentiles(&name, &load.ended, Goal::NONE));
    if stage.has(Part::Memory) {
        stage.figures.extend(most.figures(&format!("while {clients} clients create, at most")));
    }
    stage.volumes.extend(load.ids);
    Ok(())
}
