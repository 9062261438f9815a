//! What a process gets from outside besides the store: the time, and ids that nobody has.
//!
//! They come with the store's handle, so that a simulation can give each of its processes a clock that is wrong in its own
//! way, and the same ids in every run of a seed.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use uuid::{Builder, Uuid};

/// Where time and ids come from.
#[derive(Debug)]
pub enum Surroundings {
    /// The system's clock, and its randomness.
    Real,
    /// A simulation's.
    Simulated {
        /// What the clock says at `since`.
        epoch: Timestamp,
        /// The runtime's clock, which a simulation holds and advances.
        since: Instant,
        /// How wrong this process's clock is.
        skew: SignedDuration,
        /// Where ids come from.
        random: Mutex<fastrand::Rng>,
    },
}

impl Surroundings {
    pub(super) fn now(&self) -> Timestamp {
        match self {
            Self::Real => Timestamp::now(),
            Self::Simulated { epoch, since, skew, .. } => {
                let elapsed = SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::MAX);
                epoch.saturating_add(elapsed.saturating_add(*skew)).unwrap_or(*epoch)
            }
        }
    }

    pub(super) fn uuid(&self) -> Uuid {
        match self {
            Self::Real => Uuid::new_v4(),
            Self::Simulated { random, .. } => {
                let bits = random.lock().unwrap_or_else(PoisonError::into_inner).u128(..);
                Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
            }
        }
    }
}
