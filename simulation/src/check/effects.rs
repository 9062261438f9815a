//! What is done to a backend is done for an operation that is open, by the host that claimed it, and in the order of the log.

use std::collections::BTreeMap;

use ashlar_common::ids::OpId;

use super::{Broken, log::ended};
use crate::{backend::effect::Effect, observer::View};

/// What has been done so far.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// The step after which an operation was seen to have ended.
    ended: BTreeMap<OpId, u64>,
    /// The place in the log of the last operation that changed or read a thing.
    changed: BTreeMap<String, u64>,
    read: BTreeMap<String, u64>,
}

impl Ledger {
    /// Holds new effects against the log.
    pub(crate) fn check(&mut self, effects: &[Effect], view: &View, step: u64, broken: &mut Broken) {
        for effect in effects {
            match view.operation(effect.op) {
                Some((place, _)) => self.one(effect, *place, broken),
                None => broken.push(format!("{} of {} for an operation that nobody logged", effect.call, effect.wrote)),
            }
        }
        for (_, operation) in view.log.iter().filter(|(_, operation)| ended(operation)) {
            self.ended.entry(operation.id).or_insert(step);
        }
    }

    fn one(&mut self, effect: &Effect, place: u64, broken: &mut Broken) {
        let Effect { call, wrote, read, op, .. } = effect;
        if self.ended.get(op).is_some_and(|step| *step < effect.step) {
            broken.push(format!("{call} of {wrote} by place {} after its operation {op} had ended", effect.place));
        }
        let later = |seen: &BTreeMap<String, u64>, id: &String| seen.get(id).is_some_and(|last| *last > place);
        if later(&self.changed, wrote) || later(&self.read, wrote) {
            broken.push(format!("{call} of {wrote} came after what was asked for later"));
        }
        if read.as_ref().is_some_and(|id| later(&self.changed, id)) {
            broken.push(format!("{call} of {wrote} read what a later operation had changed"));
        }
        raise(&mut self.changed, wrote, place);
        if let Some(id) = read {
            raise(&mut self.read, id, place);
        }
    }
}

fn raise(seen: &mut BTreeMap<String, u64>, id: &str, place: u64) {
    let last = seen.entry(id.to_owned()).or_insert(place);
    *last = place.max(*last);
}
