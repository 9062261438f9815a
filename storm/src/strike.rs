//! Who is killed, and how.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use ashlar_common::ids::BackendName;
use rustix::process::Signal;
use serde::Serialize;

use crate::{
    keep::{Keeper, Kept, Role},
    site::Site,
};

/// How long a host is held still: longer than its right to commit lasts without renewal.
pub const STILL: Duration = Duration::from_secs(8);
/// The longest time that a killed database stays away.
const AWAY_MILLIS: u64 = 300;

/// One blow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Blow {
    /// An API process is killed.
    Api,
    /// A host is killed, at work or standing by.
    Host,
    /// An API process and a host are killed at once.
    ApiAndHost,
    /// All processes are killed at once.
    All,
    /// The database is killed, and started again a while later.
    Database,
    /// The database is killed, and with it everything else.
    Everything,
    /// An API process is told to end in order.
    EndApi,
    /// A host is told to end in order.
    EndHost,
    /// A host is held still for longer than its lease lasts, and then goes on.
    HoldHost,
}

/// What a blow did.
#[derive(Clone, Debug, Default)]
pub struct Struck {
    /// Processes killed; a database counts as one.
    pub killed: u64,
    /// The hosts that were hit, by backend and process id: whether they served is for others to say.
    pub hosts: Vec<(BackendName, u32)>,
    /// How long the database took to start again.
    pub database: Option<Duration>,
}

impl Blow {
    /// Draws one; of the database only where there is one.
    pub fn draw(random: &mut fastrand::Rng, database: bool) -> Self {
        match random.u8(0..100) {
            0..10 if database => Self::Database,
            10..12 if database => Self::Everything,
            0..40 => Self::Api,
            40..70 => Self::Host,
            70..85 => Self::ApiAndHost,
            85..91 => Self::All,
            91..95 => Self::EndApi,
            95..99 => Self::EndHost,
            _ => Self::HoldHost,
        }
    }

    /// Strikes.
    ///
    /// # Errors
    /// The database cannot be killed or started again.
    pub fn strike(self, random: &mut fastrand::Rng, keeper: &Keeper, site: &mut Site) -> Result<Struck> {
        let is_api = |kept: &&Arc<Kept>| matches!(kept.role(), Role::Api(_));
        let one = |random: &mut fastrand::Rng, apis: bool| {
            let some: Vec<_> = keeper.all().iter().filter(|kept| is_api(kept) == apis).collect();
            random.choice(some).into_iter().cloned().collect::<Vec<_>>()
        };
        let (signal, victims) = match self {
            Self::Api => (Signal::KILL, one(random, true)),
            Self::Host => (Signal::KILL, one(random, false)),
            Self::ApiAndHost => (Signal::KILL, [one(random, true), one(random, false)].concat()),
            Self::All | Self::Everything => (Signal::KILL, keeper.all().to_vec()),
            Self::Database => (Signal::KILL, Vec::new()),
            Self::EndApi => (Signal::TERM, one(random, true)),
            Self::EndHost => (Signal::TERM, one(random, false)),
            Self::HoldHost => (Signal::STOP, one(random, false)),
        };
        let mut struck = Struck::default();
        for victim in victims {
            let Some(pid) = victim.signal(signal) else { continue };
            struck.killed += u64::from(signal == Signal::KILL);
            if let Role::Host(backend) = victim.role() {
                struck.hosts.push((backend.clone(), pid));
            }
            if self == Self::HoldHost {
                keeper.later(STILL, victim);
            }
        }
        if let (Self::Database | Self::Everything, Some(server)) = (self, site.server()) {
            server.kill()?;
            struck.killed += 1;
            std::thread::sleep(Duration::from_millis(random.u64(0..AWAY_MILLIS)));
            let started = std::time::Instant::now();
            server.restart()?;
            struck.database = Some(started.elapsed());
        }
        Ok(struck)
    }
}
