//! The contract's clauses as transitions: which answers a call may get in a world, and the world after each.
//!
//! Where a call has several faults at once (a missing source and a target that exists), the contract does not say which
//! is told, so each of them may be. Where there is nothing wrong, there is one answer.

mod attach;
mod copies;
mod explain;
#[cfg(test)]
mod tests;
mod volumes;

use ashlar_common::driver::Kind;

pub(crate) use self::explain::{Event, Seen, explain};
use super::{
    call::{Answer, Call},
    world::World,
};
use crate::claims::Claims;

/// What the rules need to know of the driver.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// What it is said to be able to do.
    pub(crate) claims: Claims,
    /// How many attachments a volume may have.
    pub(crate) attachments: usize,
    /// What sizes are multiples of.
    pub(crate) unit: u64,
}

/// An answer that may be given, and what is true then.
pub(crate) type Allowed = (Answer, World);

/// One call in one world.
struct Asked<'w> {
    world: &'w World,
    limits: &'w Limits,
    /// The call's number: what it makes is told from what others make by this.
    nth: u32,
}

/// Every answer that a call may get, with the world after it. `nth` is the call's number in its sequence.
#[must_use]
pub(crate) fn allowed(world: &World, limits: &Limits, call: &Call, nth: u32) -> Vec<Allowed> {
    let asked = Asked { world, limits, nth };
    match *call {
        Call::Create { volume, size } => asked.create(volume, size),
        Call::Delete { volume } => asked.delete(volume),
        Call::Extend { volume, size, online } => asked.extend(volume, size, online),
        Call::Snapshot { of } => asked.snapshot(of),
        Call::DeleteSnapshot { of } => asked.delete_snapshot(of),
        Call::FromSnapshot { volume, size, of } => asked.copy_snapshot(volume, size, of),
        Call::Clone { volume, size, from } => asked.copy_volume(volume, size, from),
        Call::Revert { of } => asked.revert(of),
        Call::Attach { volume, attachment, mode } => asked.attach(volume, attachment, mode),
        Call::Detach { volume, attachment } => asked.detach(volume, attachment),
        Call::DetachAll { volume } => asked.detach_all(volume),
        Call::ImageIn { volume, size, length, stamp } => asked.image_in(volume, size, length, stamp),
        Call::ImageOut { volume } => asked.image_out(volume),
    }
}

impl Asked<'_> {
    /// Refused, for any of these reasons; nothing has changed.
    fn refused(&self, kinds: &[Kind]) -> Vec<Allowed> {
        kinds.iter().map(|kind| (Answer::Refused(*kind), self.world.clone())).collect()
    }

    /// It is so already.
    fn unchanged(&self) -> Vec<Allowed> {
        vec![(Answer::Unchanged, self.world.clone())]
    }

    /// Done, with this difference.
    fn changed(&self, change: impl FnOnce(&mut World)) -> Vec<Allowed> {
        let mut world = self.world.clone();
        change(&mut world);
        vec![(Answer::Changed, world)]
    }
}
