//! From asking until a volume is gone.

use anyhow::Result;

use crate::bench::{aims::Goal, figures::Figure, load::delete, run::Stage, subject::Subject};

const CLIENTS: usize = 16;

/// By 1 and 16 clients: of all volumes there are.
///
/// # Errors
/// The service does not remove one.
pub fn measure(stage: &mut Stage<'_>, subject: &Subject<'_>) -> Result<()> {
    let (alone, stop) = (stage.run.size.alone, stage.run.stop);
    stage.ensure_volumes(subject, alone * 3)?;
    stage.say("deleting");
    let volumes = std::mem::take(&mut stage.volumes);
    let (few, more) = volumes.split_at(alone);
    let load = delete(subject.requests, few, 1, stop)?;
    let [p50, p95, _] = Figure::percentiles("delete to gone, 1 client", &load.ended, Goal::NONE);
    stage.figures.extend([p50, p95]);
    let load = delete(subject.requests, more, CLIENTS, stop)?;
    stage.figures.push(Figure::rate(format!("deletes a second, {CLIENTS} clients"), load.rate()));
    Ok(())
}
