//! Which worlds explain what was seen of some calls.

use ashlar_common::driver::Kind;

use super::{Limits, allowed};
use crate::model::{
    call::{Answer, Call},
    world::World,
};

/// What was seen of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Its answer.
    Answer(Answer),
    /// That it had no effect: an error that was put in its way, or one that says so.
    Nothing,
    /// That it ended, and not whether it had an effect.
    Unknown,
}

/// The worlds that may be after these calls, made at once from one of the worlds before: each call takes effect at one
/// instant, in some order. Empty if no order explains what was seen.
///
/// A call that meets another one may be refused as busy, though it would not be by itself.
#[must_use]
pub fn explain(before: &[World], limits: &Limits, calls: &[(u32, Call, Seen)]) -> Vec<World> {
    let mut after = Vec::new();
    for world in before {
        in_any_order(world, limits, calls, calls.len() > 1, &mut after);
    }
    after.sort();
    after.dedup();
    after
}

fn in_any_order(world: &World, limits: &Limits, calls: &[(u32, Call, Seen)], met: bool, after: &mut Vec<World>) {
    if calls.is_empty() {
        after.push(world.clone());
        return;
    }
    for (at, (nth, call, seen)) in calls.iter().enumerate() {
        let mut rest = calls.to_vec();
        rest.remove(at);
        for next in steps(world, limits, (*nth, *call, *seen), met) {
            in_any_order(&next, limits, &rest, met, after);
        }
    }
}

/// The worlds after one call of which this was seen.
fn steps(world: &World, limits: &Limits, (nth, call, seen): (u32, Call, Seen), met: bool) -> Vec<World> {
    let given = allowed(world, limits, &call, nth).into_iter();
    match seen {
        Seen::Answer(Answer::Refused(Kind::Busy)) if met => vec![world.clone()],
        Seen::Answer(answer) => given.filter(|(given, _)| *given == answer).map(|(_, world)| world).collect(),
        Seen::Nothing => vec![world.clone()],
        Seen::Unknown => given.map(|(_, world)| world).chain([world.clone()]).collect(),
    }
}
