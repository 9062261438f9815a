//! Connections, whose answers the service gives when its host has made them: no client looks again.

use anyhow::Result;

use crate::bench::{
    aims::Goal,
    figures::Figure,
    load::{attach, detach},
    run::Stage,
    subject::Subject,
};

const CLIENTS: usize = 16;

/// Attaching and detaching by 1 and 16 clients.
///
/// # Errors
/// The service does not connect or disconnect a volume.
pub fn measure(stage: &mut Stage<'_>, subject: &Subject<'_>) -> Result<()> {
    let (alone, stop) = (stage.run.size.alone, stage.run.stop);
    stage.ensure_volumes(subject, alone * 2)?;
    stage.say("attaching and detaching");
    let volumes = stage.volumes[..alone * 2].to_vec();
    let (few, more) = volumes.split_at(alone / 2);
    let load = attach(subject.requests, few, 1, stop)?;
    let [p50, p95, _] = Figure::percentiles("attach to its answer, 1 client", &load.ended, Goal::NONE);
    stage.figures.extend([p50, p95]);
    let gone = detach(subject.requests, &load.ids, 1, stop)?;
    stage.figures.push(Figure::time("detach to its answer, 1 client, p50", gone.ended.median()));
    let load = attach(subject.requests, more, CLIENTS, stop)?;
    stage.figures.push(Figure::rate(format!("attachments a second, {CLIENTS} clients"), load.rate()));
    detach(subject.requests, &load.ids, CLIENTS, stop)?;
    Ok(())
}
