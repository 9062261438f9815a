//! A pool as the scheduler sees it.

use std::{sync::Arc, time::Duration};

use super::{function::Parsed, request::Placement};
use crate::{
    driver::{Capabilities, DriverInfo},
    ids::BackendName,
    stats::PoolStats,
    units::ByteCount,
};

/// One pool as the placing transaction sees it: the last report, and what the store knows since.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolView {
    /// The pool as the API names it: `host@backend#pool`.
    pub id: String,
    /// The backend the pool belongs to.
    pub backend: BackendName,
    /// The report of the pool.
    pub stats: PoolStats,
    /// The operator's name for the backend, matched by the extra spec `volume_backend_name`. Several backends may
    /// share one.
    pub volume_backend_name: String,
    /// Who the backend's driver is.
    pub driver: DriverInfo,
    /// What the backend's driver can do in its configuration.
    pub capabilities: Capabilities,
    /// The machine its host runs on.
    pub machine: String,
    /// Which volumes it takes; `None`: any.
    pub filter_function: Option<Arc<Parsed>>,
    /// How gladly, from 0 to 100; `None`: 0.
    pub goodness_function: Option<Arc<Parsed>>,
    /// The zone the backend is in.
    pub availability_zone: String,
    /// Its host's heartbeat is fresh, and it is not disabled.
    pub up: bool,
    /// Age of the report.
    pub age: Duration,
    /// Sum of the sizes of all volumes recorded on the pool, `promised` included; read in the placing transaction.
    pub provisioned: ByteCount,
    /// Volumes recorded on the pool.
    pub volumes: u64,
    /// The part of `provisioned` that was made or asked for since the report, so `stats.free` does not show it yet.
    pub promised: ByteCount,
}

impl PoolView {
    /// What a placement on this pool is called.
    #[must_use]
    pub fn placement(&self) -> Placement {
        Placement { backend: self.backend.clone(), pool: self.stats.name.clone() }
    }
}
