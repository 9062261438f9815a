//! Operations in flight when everything is killed, until all have ended.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    bench::{aims::RECOVERY, figures::Figure, floors::disk, run::Stage, subject::Subject},
    stop::Polled,
};

/// Seldom enough that looking takes nothing from what is looked at: it reads all volumes that are made already.
const LOOK: Duration = Duration::from_millis(200);
/// Often, so that most are in flight still.
const FIRST: Duration = Duration::from_millis(20);
const LIMIT: Duration = Duration::from_secs(600);
/// Some end before everything is killed; they are not counted.
const MORE: usize = 20;
/// As many as a host works on at once, unless told otherwise.
const MAKERS: usize = 16;
/// The floor makes one of so many files, and is multiplied.
const FLOOR_SHARE: usize = 4;

const FLOOR: &str = "as many files made and renamed by 16 threads, all synced";

/// Volumes being made are put into the store, a service begins with them, and is killed with its host as soon as the
/// first is available: some are done, some are in the driver's hands, some are waiting. The clock runs from the next
/// start until none is `creating` any more.
///
/// # Errors
/// One of them does not end well.
pub fn measure(stage: &mut Stage<'_>) -> Result<()> {
    let mut subject = stage.subject("recovery")?;
    subject.start()?;
    subject.wait_ready()?;
    subject.stop()?;
    let logged = stage.run.size.in_flight + stage.run.size.in_flight / MORE;
    stage.say(&format!("writing {logged} operations into the log"));
    stage.run.helpers.fill(&subject.config(), "operations", logged)?;
    let floor = disk::files_together(&stage.directory, logged / FLOOR_SHARE, MAKERS)? * u32::try_from(FLOOR_SHARE)?;
    stage.say("killing everything");
    subject.start()?;
    until(stage, FIRST, || Ok(counted(&subject, "available")? > 0))?;
    subject.kill()?;
    let started = Instant::now();
    subject.start()?;
    let left = counted(&subject, "creating")?;
    stage.say(&format!("recovering {left} operations"));
    until(stage, LOOK, || none_creating(&subject))?;
    let elapsed = started.elapsed();
    let made = counted(&subject, "available")?;
    ensure!(made == logged, "{logged} volumes were asked for, {made} are available");
    let name = format!("recovery of {left} operations in flight after SIGKILL of everything");
    stage.figures.push(Figure::seconds(name, elapsed).toward(RECOVERY).over(FLOOR, floor));
    subject.stop()
}

fn until(stage: &Stage<'_>, pause: Duration, mut look: impl FnMut() -> Result<bool>) -> Result<()> {
    match stage.run.stop.poll(pause, LIMIT, || Ok(look()?.then_some(())))? {
        Polled::Found(()) => Ok(()),
        Polled::TooLate => bail!("operations in flight have not ended after {} s", LIMIT.as_secs()),
    }
}

fn counted(subject: &Subject<'_>, status: &str) -> Result<usize> {
    let answer = subject.api.get(&format!("volumes?status={status}&limit=1&with_count=true"))?;
    let count = answer["count"].as_u64().context("the list does not say its length")?;
    Ok(usize::try_from(count)?)
}

fn none_creating(subject: &Subject<'_>) -> Result<bool> {
    let answer = subject.api.get("volumes?status=creating&limit=1")?;
    Ok(answer["volumes"].as_array().is_some_and(Vec::is_empty))
}
