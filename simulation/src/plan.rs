//! What a seed decides before anything happens: the size of the world, and which faults there are in it.
//!
//! Not every fault is in every world: where everything fails at once, little gets far enough to go wrong in an
//! interesting way.

use std::collections::BTreeSet;

use ashlar_common::units::ByteCount;
use serde::Serialize;

use crate::planted::Planted;

macro_rules! faults {
    ($($(#[$doc:meta])* $fault:ident,)*) => {
        /// Something that goes wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Fault {
            $($(#[$doc])* $fault,)*
        }

        impl Fault {
            /// Every fault.
            pub const ALL: &[Self] = &[$(Self::$fault),*];
        }
    };
}

faults! {
    /// A process dies at any moment.
    Crash,
    /// A process dies at a point of death.
    CrashAtPoint,
    /// A process stands still for up to a minute, and goes on as if nothing had been.
    Pause,
    /// A process takes its time at a point of death, as one whose machine is busy.
    Delay,
    /// A process cannot reach the store.
    StoreAway,
    /// A process does not hear what became of a commit, or hears that it failed.
    LostCommit,
    /// A wake-up is lost, late, or comes twice.
    Wakeups,
    /// Clocks are hours apart, and are set while processes run.
    Clocks,
    /// A call to a backend fails.
    Calls,
    /// A call to a backend takes long, or for ever.
    SlowCalls,
    /// A backend cannot be reached.
    BackendAway,
}

/// One backend.
#[derive(Clone, Debug, Serialize)]
pub struct BackendPlan {
    /// Its only pool's size.
    pub total: ByteCount,
    /// What others took of it.
    pub foreign: ByteCount,
    /// It promises twice its bytes.
    pub thin: bool,
    /// Several clients may hold a volume of it.
    pub multi_attach: bool,
    /// Processes that want to be its host.
    pub hosts: u32,
    /// How many of them serve at a time; more than one is active-active.
    pub seats: u32,
    /// They are on one machine, whose locks tell when one of them has ended.
    pub one_machine: bool,
}

/// A world.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// Where all that is random comes from.
    pub seed: u64,
    /// API processes.
    pub apis: u32,
    /// Backends.
    pub backends: Vec<BackendPlan>,
    /// Requests of clients.
    pub requests: u32,
    /// What may go wrong.
    pub faults: BTreeSet<Fault>,
    /// The error that was planted on purpose.
    pub planted: Option<Planted>,
}

impl Plan {
    /// The world of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let backends = (0..random.u32(1..=2))
            .map(|_| {
                let active_active = random.u32(..5) == 0;
                BackendPlan {
                    total: gib(random.u64(4..=12)),
                    foreign: gib(random.u64(0..=2)),
                    thin: random.u32(..4) == 0,
                    multi_attach: random.u32(..3) == 0,
                    hosts: random.u32(1..=2) + u32::from(active_active),
                    seats: 1 + u32::from(active_active),
                    one_machine: !active_active && random.bool(),
                }
            })
            .collect();
        // A few worlds have none: what breaks there needs no fault.
        let peaceful = random.u32(..12) == 0;
        let faults = Fault::ALL.iter().copied().filter(|_| random.bool() && !peaceful).collect();
        Self { seed, apis: random.u32(1..=2), backends, requests: random.u32(5..=25), faults, planted: None }
    }
}

/// So many GiB.
pub(crate) fn gib(count: u64) -> ByteCount {
    ByteCount::from_gib(count).unwrap_or(ByteCount::MAX)
}
