//! What a process gets from outside besides the store: the time, ids that nobody has, and in tests its death.
//!
//! They come with the store's handle, so that a simulation can give each of its processes a clock that is wrong in its own
//! way, the same ids in every run of a seed, and an end at any point.

use std::{
    fmt::Debug,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rustix::{
    process::{Signal, getpid, kill_process},
    time::{ClockId, clock_gettime},
};
use tokio::time::Instant;
use uuid::{Builder, Uuid};

use crate::points::Point;

/// What a process's two clocks show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// The time of day, for records. Other processes' may differ by hours, and people set it.
    pub now: Timestamp,
    /// Time since some instant before the process began, also while the machine slept. Nobody sets it, and only this process
    /// can compare with it.
    pub uptime: Duration,
}

/// Where time and ids come from, and what happens between two effects.
#[derive(Debug)]
pub enum Surroundings {
    /// The system's clock, and its randomness.
    Real,
    /// The same, and the process kills itself when it comes to a point for the so-manieth time: for tests of recovery.
    Mortal {
        /// Where it dies.
        point: Point,
        /// How often it gets past that point before.
        after: AtomicU32,
    },
    /// A simulation's.
    Simulated(Simulated),
}

/// What a simulated process gets from outside.
#[derive(Debug)]
pub struct Simulated {
    /// What the clock says at `since`.
    pub epoch: Timestamp,
    /// The runtime's clock, which a simulation holds and advances.
    pub since: Instant,
    /// How wrong this process's clock is.
    pub skew: SignedDuration,
    /// Where ids come from.
    pub random: Mutex<fastrand::Rng>,
    /// Told of each point that the process comes to.
    pub director: Box<dyn Director>,
}

/// Decides what happens at a point: the simulation goes on when the answer comes.
#[async_trait]
pub trait Director: Debug + Send + Sync {
    /// The process has come to `point`.
    async fn reached(&self, point: Point);
}

impl Surroundings {
    pub(super) fn now(&self) -> Timestamp {
        match self {
            Self::Real | Self::Mortal { .. } => Timestamp::now(),
            Self::Simulated(simulated) => {
                let elapsed = SignedDuration::try_from(simulated.since.elapsed()).unwrap_or(SignedDuration::MAX);
                let shown = elapsed.saturating_add(simulated.skew);
                simulated.epoch.saturating_add(shown).unwrap_or(simulated.epoch)
            }
        }
    }

    pub(super) fn uptime(&self) -> Duration {
        match self {
            Self::Real | Self::Mortal { .. } => uptime(),
            Self::Simulated(simulated) => simulated.since.elapsed(),
        }
    }

    pub(super) fn uuid(&self) -> Uuid {
        match self {
            Self::Real | Self::Mortal { .. } => Uuid::new_v4(),
            Self::Simulated(simulated) => {
                let bits = simulated.random.lock().unwrap_or_else(PoisonError::into_inner).u128(..);
                Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
            }
        }
    }

    pub(super) async fn reached(&self, reached: Point) {
        match self {
            Self::Real => {}
            Self::Mortal { point, after } if *point == reached => {
                if after.fetch_sub(1, Ordering::Relaxed) == 0 {
                    // As a power cut would: nothing is told, nothing is cleaned up.
                    let _ = kill_process(getpid(), Signal::KILL);
                    std::future::pending::<()>().await;
                }
            }
            Self::Mortal { .. } => {}
            Self::Simulated(simulated) => simulated.director.reached(reached).await,
        }
    }
}

/// The system's clock that nobody sets. It goes on while the machine sleeps or the process is stopped: a lease does too.
fn uptime() -> Duration {
    let shown = clock_gettime(ClockId::Boottime);
    Duration::try_from(shown).unwrap_or(Duration::ZERO)
}
