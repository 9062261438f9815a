//! What is asked of the scheduler, by which rules, and the answer.

use std::{collections::BTreeMap, fmt, time::Duration};

use crate::{
    ids::{BackendName, PoolName},
    units::ByteCount,
};

/// A volume that needs a place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Its size.
    pub size: ByteCount,
    /// The zone it must be in; `None`: any.
    pub availability_zone: Option<String>,
    /// Extra specs of its volume type.
    pub extra_specs: BTreeMap<String, String>,
    /// Whether several clients will hold it at once.
    pub multi_attach: bool,
    /// The one pool it may go to: that of its source, since a backend copies within a pool. `None`: any.
    pub only: Option<(BackendName, PoolName)>,
}

/// The operator's rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// A report older than this says nothing about the pool, and the pool is left out.
    pub stale_after: Duration,
    /// Weight of free room. Positive spreads volumes over the pools with most room, negative fills the fullest pool
    /// first, zero looks at room no further than that it suffices.
    pub capacity_multiplier: i32,
}

/// Three reports a minute apart may be lost before a pool is left out; volumes are spread.
impl Default for Policy {
    fn default() -> Self {
        Self { stale_after: Duration::from_secs(180), capacity_multiplier: 1 }
    }
}

/// A pool of a backend, as the answer; shown as `backend#pool`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Placement {
    /// The backend.
    pub backend: BackendName,
    /// Its pool.
    pub pool: PoolName,
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.backend, self.pool)
    }
}
