//! One run of one seed.

use std::time::Duration;

use serde::Serialize;

use crate::{
    check::{Broken, capacity},
    client::request::What,
    plan::{Plan, gib},
    world::{Unmade, World},
};

/// Steps after the last request in which things may still go wrong.
const AFTER_STORM: u32 = 40;
/// Steps in which things go wrong at most, requests that nobody takes included.
const STORM: u32 = 4000;
/// Virtual time after which what has not come to rest never will.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long the backends' reports take to show what is there, also where one is slow that was asked for before.
const REPORTS: Duration = Duration::from_secs(18);

/// What came of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Which world it was.
    pub plan: Plan,
    /// The laws that were broken, a sentence each; none in a good run.
    pub broken: Vec<String>,
    /// The same in each run of a seed.
    pub digest: u64,
    /// Steps of the world.
    pub steps: u64,
    /// Virtual time.
    pub seconds: f64,
    /// Operations in the log.
    pub operations: usize,
    /// What happened, where it was to be kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<String>,
}

/// Runs a world.
#[must_use]
pub fn run(plan: Plan, keep_trace: bool) -> Report {
    let mut world = match World::new(plan.clone(), keep_trace) {
        Ok(world) => world,
        Err(Unmade(why)) => return Report::empty(plan, vec![format!("the world cannot be made: {why}")]),
    };
    let broken = live(&mut world).unwrap_or_else(|error| vec![format!("a process cannot be started: {error}")]);
    let (digest, steps, seconds, trace) = {
        let mut inner = world.fabric.inner();
        let trace = std::mem::replace(&mut inner.trace, crate::trace::Trace::new(false));
        (trace.digest(), inner.step, inner.now.as_secs_f64(), trace.into_lines())
    };
    Report { plan, broken, digest, steps, seconds, operations: world.view.log.len(), trace }
}

impl Report {
    fn empty(plan: Plan, broken: Vec<String>) -> Self {
        Self { plan, broken, digest: 0, steps: 0, seconds: 0.0, operations: 0, trace: Vec::new() }
    }

    /// Whether every law held.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.broken.is_empty()
    }
}

fn live(world: &mut World) -> std::io::Result<Broken> {
    let broken = storm(world)?;
    if !broken.is_empty() {
        return Ok(broken);
    }
    world.calm_down();
    let broken = settle(world)?;
    if !broken.is_empty() {
        return Ok(broken);
    }
    fill(world)
}

fn storm(world: &mut World) -> std::io::Result<Broken> {
    let (mut after, wanted) = (0, world.fabric.plan.requests as usize);
    for _ in 0..STORM {
        if world.requests.len() < wanted {
            let now = world.fabric.inner().random.u32(..4) == 0;
            if now {
                world.ask();
            }
        } else {
            after += 1;
        }
        let broken = world.stormy_step()?;
        if !broken.is_empty() || after > AFTER_STORM {
            return Ok(broken);
        }
    }
    Ok(Broken::new())
}

/// Waits until all has come to rest, and looks whether it is as it must be.
fn settle(world: &mut World) -> std::io::Result<Broken> {
    let until = world.fabric.inner().now + PATIENCE;
    let mut number = 0;
    while world.fabric.inner().now < until && !world.is_at_rest() {
        let broken = world.calm_step(number)?;
        number += 1;
        if !broken.is_empty() {
            return Ok(broken);
        }
    }
    Ok(world.at_rest())
}

/// At rest, what there is room for is taken, and what there is none for is not.
fn fill(world: &mut World) -> std::io::Result<Broken> {
    let until = world.fabric.inner().now + REPORTS;
    while world.fabric.inner().now < until {
        let broken = world.calm_step(u32::MAX)?;
        if !broken.is_empty() {
            return Ok(broken);
        }
    }
    let room = {
        let inner = world.fabric.inner();
        inner.backends.iter().map(|(name, content)| capacity::room(&world.view, name, content)).max().unwrap_or(0)
    };
    let first = world.requests.len();
    for size in [room + 1, room].into_iter().filter(|size| *size > 0) {
        let source = ashlar_common::manager::Source::Empty;
        world.ask_for(What::Create { size: gib(size), source, multi_attach: false });
        let broken = settle(world)?;
        if !broken.is_empty() {
            return Ok(broken);
        }
    }
    let placed = |index: usize| {
        let name = format!("req-{index}");
        world.view.volumes.iter().any(|volume| volume.name.as_deref() == Some(&name) && volume.place.is_some())
    };
    Ok(match (placed(first), room == 0 || placed(first + 1)) {
        (true, _) => vec![format!("{} GiB were placed where there was room for {room}", room + 1)],
        (_, false) => vec![format!("{room} GiB were refused while there was room for them")],
        _ => Broken::new(),
    })
}
