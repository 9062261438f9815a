//! From starting the program to its first good answer.

use std::time::Instant;

use anyhow::Result;

use crate::bench::{client::histogram::Histogram, figures::Figure, run::Stage, subject::Subject};

/// Starts a service that is running several times anew, and leaves it running.
///
/// # Errors
/// It does not start.
pub fn measure(stage: &mut Stage<'_>, subject: &mut Subject<'_>) -> Result<()> {
    let times = times(stage, subject)?;
    stage.figures.push(Figure::time("start to healthy, nothing stored, p50", times.median()));
    Ok(())
}

/// How long each of several starts took.
///
/// # Errors
/// It does not start.
pub fn times(stage: &Stage<'_>, subject: &mut Subject<'_>) -> Result<Histogram> {
    stage.say("starting");
    let mut times = Histogram::default();
    for _ in 0..stage.run.size.starts {
        subject.stop()?;
        let started = Instant::now();
        subject.start()?;
        times.record(started.elapsed());
    }
    Ok(times)
}
