//! How a call goes: how long it takes, and what goes wrong with it.

use std::time::Duration;

use ashlar_common::driver::Kind;

use crate::{fabric::Fabric, plan::Fault};

/// One call's way.
#[derive(Debug)]
pub(crate) struct Turn {
    /// Until it takes effect.
    pub(crate) before: Duration,
    /// From its effect to its answer.
    pub(crate) after: Duration,
    /// It never answers by itself.
    pub(crate) hangs: bool,
    pub(crate) trouble: Option<Trouble>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing happens, and this is answered.
    Before(Kind),
    /// It happens, and this is answered.
    After(Kind),
}

/// Errors that a call that changed nothing may give.
const HARMLESS: [Kind; 4] = [Kind::Unavailable, Kind::Busy, Kind::OutOfSpace, Kind::Indeterminate];

impl Turn {
    /// The way of a call that only looks, or of one that changes something.
    pub(crate) fn draw(fabric: &Fabric, changes: bool) -> Self {
        let slow = fabric.strikes(Fault::SlowCalls, 60);
        let (before, after) = if slow {
            (fabric.within(500..=8000), fabric.within(100..=4000))
        } else {
            (fabric.within(0..=12), fabric.within(0..=6))
        };
        let hangs = changes && fabric.strikes(Fault::SlowCalls, 10);
        let trouble = if fabric.strikes(Fault::BackendAway, 40) {
            Some(Trouble::Before(Kind::Unavailable))
        } else if changes && fabric.strikes(Fault::Calls, 120) {
            Some(Self::draw_trouble(fabric))
        } else {
            None
        };
        Self { before, after, hangs, trouble }
    }

    fn draw_trouble(fabric: &Fabric) -> Trouble {
        let mut inner = fabric.inner();
        match inner.random.u32(..10) {
            0..=4 => {
                let index = inner.random.usize(..HARMLESS.len());
                Trouble::Before(HARMLESS[index])
            }
            5..=8 => Trouble::After(Kind::Indeterminate),
            _ => Trouble::After(Kind::Fatal),
        }
    }
}
