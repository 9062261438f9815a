//! Wake-ups between simulated processes: late, doubled, lost.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use ashlar_common::wakeup::{Bell, Ear, Sleeper, Wire};
use tokio::sync::Notify;

use crate::{plan::Fault, surroundings::Identity};

impl Wire for Identity {
    fn ring(&self, sleeper: &Sleeper) {
        let sleepers: Vec<usize> = {
            let inner = self.fabric.inner();
            inner.ears.iter().filter(|(_, (who, _))| who == sleeper).map(|(place, _)| *place).collect()
        };
        for place in sleepers {
            if self.fabric.strikes(Fault::Wakeups, 250) {
                continue;
            }
            let copies = 1 + u32::from(self.fabric.strikes(Fault::Wakeups, 100));
            for _ in 0..copies {
                let late = if self.fabric.strikes(Fault::Wakeups, 300) { 3000 } else { 2 };
                let due = self.fabric.within(0..=late);
                let mut inner = self.fabric.inner();
                let at = inner.now + due;
                inner.rings.push((at, place));
            }
        }
    }
}

impl Identity {
    pub(crate) fn bell(&self) -> Bell {
        Bell::simulated(Arc::new(self.clone()))
    }

    /// An ear under which this process is known from now on.
    pub(crate) fn ear(&self, sleeper: Sleeper) -> Ear {
        let woken = Arc::new(Notify::new());
        self.memory.store(1, Ordering::Relaxed);
        self.fabric.inner().ears.insert(self.place, (sleeper, Arc::clone(&woken)));
        Ear::simulated(woken)
    }
}

/// The places whose wake-up has come.
pub(crate) fn due(rings: &mut Vec<(Duration, usize)>, now: Duration) -> Vec<usize> {
    let mut due = Vec::new();
    rings.retain(|(at, place)| {
        let later = *at > now;
        if !later {
            due.push(*place);
        }
        later
    });
    due
}
