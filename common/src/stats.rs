//! What the scheduler knows of a backend: the report a driver gives, per pool.

use serde::{Deserialize, Serialize};

use crate::{ids::PoolName, units::ByteCount};

/// A size that may be unknown or without limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Capacity {
    /// So many bytes.
    Known(ByteCount),
    /// The backend cannot say. Not zero, and not infinite: the scheduler treats it as room that ranks last.
    Unknown,
    /// The backend has no limit.
    Infinite,
}

impl Capacity {
    /// The number, where there is one.
    #[must_use]
    pub fn known(self) -> Option<ByteCount> {
        match self {
            Self::Known(count) => Some(count),
            Self::Unknown | Self::Infinite => None,
        }
    }
}

/// How a pool gives out its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provisioning {
    /// Room is taken when a volume is made.
    Thick,
    /// Room is taken when bytes are written.
    Thin,
}

/// A pool's report. Provisioned bytes are not in it: they are summed from the store's records when needed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolStats {
    /// The pool.
    pub name: PoolName,
    /// All its bytes.
    pub total: Capacity,
    /// Bytes that nobody has taken.
    pub free: Capacity,
    /// Bytes that volumes and snapshots take on the backend.
    pub allocated: Capacity,
    /// Part of `total` that is never given out, 0 to 100.
    pub reserved_percentage: u8,
    /// How many times its bytes a thin pool may promise; at least 1.
    pub max_over_subscription_ratio: f64,
    /// Thin or thick.
    pub provisioning: Provisioning,
    /// Free part of a thin pool's metadata, 0 to 100, where the backend has such a thing.
    pub thin_metadata_free_percentage: Option<u8>,
    /// Which volumes the pool takes, in the language of docs/scheduling.md. The operator's own goes before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter_function: Option<String>,
    /// How gladly it takes a volume, from 0 to 100, in the same language. The operator's own goes before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goodness_function: Option<String>,
}

/// A backend's report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackendStats {
    /// One entry a pool, at least one.
    pub pools: Vec<PoolStats>,
}
