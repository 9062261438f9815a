//! What a pool says of itself to the Capabilities filter, by Cinder's names.

use std::fmt;

use super::pool::PoolView;
use crate::{
    stats::{Capacity, Provisioning},
    units::ByteCount,
};

/// One thing known of a pool; shown as the API shows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fact {
    /// Yes or no.
    Flag(bool),
    /// A finite number, or positive infinity for what has no limit.
    Number(f64),
    /// Words.
    Text(String),
    /// The backend cannot say: only the plain text `unknown` matches.
    Unknown,
}

impl Fact {
    /// What the pool says under this name; `None` if it is no name of a capability.
    pub(super) fn of(pool: &PoolView, name: &str) -> Option<Self> {
        let stats = &pool.stats;
        Some(match name {
            "volume_backend_name" => Self::text(&pool.volume_backend_name),
            "pool_name" => Self::text(stats.name.as_str()),
            "vendor_name" => Self::text(&pool.driver.vendor_name),
            "driver_version" => Self::text(&pool.driver.version),
            "storage_protocol" => Self::text(&pool.driver.storage_protocol),
            "availability_zone" => Self::text(&pool.availability_zone),
            "thin_provisioning_support" => Self::Flag(stats.provisioning == Provisioning::Thin),
            "thick_provisioning_support" => Self::Flag(stats.provisioning == Provisioning::Thick),
            "multiattach" => Self::Flag(pool.capabilities.multi_attach),
            "online_extend_support" => Self::Flag(pool.capabilities.online_extend),
            "total_capacity_gb" => Self::capacity(stats.total),
            "free_capacity_gb" => Self::capacity(stats.free),
            "allocated_capacity_gb" => Self::capacity(stats.allocated),
            "provisioned_capacity_gb" => Self::gib(pool.provisioned),
            "reserved_percentage" => Self::Number(stats.reserved_percentage.into()),
            "max_over_subscription_ratio" => Self::Number(stats.max_over_subscription_ratio),
            _ => return None,
        })
    }

    fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    fn gib(count: ByteCount) -> Self {
        Self::Number(count.gib_f64())
    }

    fn capacity(capacity: Capacity) -> Self {
        match capacity {
            Capacity::Known(count) => Self::gib(count),
            Capacity::Infinite => Self::Number(f64::INFINITY),
            Capacity::Unknown => Self::Unknown,
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(true) => f.write_str("True"),
            Self::Flag(false) => f.write_str("False"),
            Self::Number(number) if number.is_infinite() => f.write_str("infinite"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}
