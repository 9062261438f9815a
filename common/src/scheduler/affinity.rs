//! Scheduler hints: which pools a volume is asked to be near to, or away from.

use uuid::Uuid;

use super::{pool::PoolView, query::Query, request::Placement};
use crate::ids::VolumeId;

/// Hints as a client gives them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hints {
    /// On a pool where one of these volumes is.
    pub same_host: Vec<VolumeId>,
    /// On no pool where one of these volumes is.
    pub different_host: Vec<VolumeId>,
    /// On storage of the machine where this instance runs.
    pub local_to_instance: Option<Uuid>,
    /// On a pool of which this holds.
    pub query: Option<Query>,
}

/// Hints with what they name looked up. What is `None` was not asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Affinity {
    /// Where the volumes of `same_host` are.
    pub same: Option<Vec<Placement>>,
    /// Where the volumes of `different_host` are.
    pub different: Option<Vec<Placement>>,
    /// The machines that the instance of `local_to_instance` is known to run on.
    pub machines: Option<Vec<String>>,
    /// The query.
    pub query: Option<Query>,
}

/// Whether a pool is among these.
pub(super) fn among(pool: &PoolView, places: &[Placement]) -> bool {
    places.iter().any(|place| place.backend == pool.backend && place.pool == pool.stats.name)
}
