//! Which worlds explain what was seen of some calls.

use ashlar_common::driver::Kind;

use super::{Limits, allowed};
use crate::model::{
    call::{Answer, Call},
    world::World,
};

/// What was seen of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Its answer.
    Answer(Answer),
    /// That it had no effect: an error that was put in its way, or one that says so.
    Nothing,
    /// That it did well, though its answer was lost.
    Done,
    /// That it ended, and not whether it had an effect.
    Unknown,
}

/// A call, its number, and what was seen of it.
pub(crate) type Event = (u32, Call, Seen);

/// The worlds that may be after these calls, made at once in one of the worlds before: each takes effect at one instant,
/// in some order. Empty if no order explains what was seen.
///
/// \[call.6\] A call that meets another on the same object may be refused as busy, though it would not be by itself; but
/// not all of them.
#[must_use]
pub(crate) fn explain(before: &[World], limits: &Limits, events: &[Event]) -> Vec<World> {
    let mut after = Vec::new();
    for world in before {
        Search { limits, all: events, after: &mut after }.from(world, events, 0);
    }
    after.sort();
    after.dedup();
    after
}

struct Search<'s> {
    limits: &'s Limits,
    all: &'s [Event],
    after: &'s mut Vec<World>,
}

impl Search<'_> {
    /// Goes on in every order of the calls that are left. `busy` were refused for the sake of others.
    fn from(&mut self, world: &World, left: &[Event], busy: usize) {
        if left.is_empty() && (busy == 0 || busy < self.all.len()) {
            self.after.push(world.clone());
        }
        for (at, event) in left.iter().enumerate() {
            let mut rest = left.to_vec();
            rest.remove(at);
            for next in steps(world, self.limits, event) {
                self.from(&next, &rest, busy);
            }
            if event.2 == Seen::Answer(Answer::Refused(Kind::Busy)) && self.meets_another(event) {
                self.from(world, &rest, busy + 1);
            }
        }
    }

    fn meets_another(&self, event: &Event) -> bool {
        self.all.iter().any(|other| other.0 != event.0 && other.1.meets(&event.1))
    }
}

/// The worlds after one call of which this was seen.
fn steps(world: &World, limits: &Limits, (nth, call, seen): &Event) -> Vec<World> {
    let given = allowed(world, limits, call, *nth).into_iter();
    match seen {
        Seen::Answer(answer) => given.filter(|(given, _)| given == answer).map(|(_, world)| world).collect(),
        Seen::Nothing => vec![world.clone()],
        Seen::Done => given.filter(|(given, _)| !is_refusal(*given)).map(|(_, world)| world).collect(),
        Seen::Unknown => given.map(|(_, world)| world).chain([world.clone()]).collect(),
    }
}

fn is_refusal(answer: Answer) -> bool {
    matches!(answer, Answer::Refused(_))
}
