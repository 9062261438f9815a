//! What a pool says of itself, by Cinder's names: to extra specs, to functions and to JSON queries alike.

use std::fmt;

use super::pool::PoolView;
use crate::{
    stats::{Capacity, Provisioning},
    units::ByteCount,
};

/// A name of something known of every pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FactName {
    Id,
    VolumeBackendName,
    PoolName,
    VendorName,
    DriverVersion,
    StorageProtocol,
    AvailabilityZone,
    Thin,
    Thick,
    MultiAttach,
    OnlineExtend,
    Qos,
    Total,
    Free,
    Allocated,
    Provisioned,
    Reserved,
    MaxOverSubscription,
    Volumes,
}

impl FactName {
    const NAMES: [(&str, Self); 20] = [
        ("backend_id", Self::Id),
        ("host", Self::Id),
        ("volume_backend_name", Self::VolumeBackendName),
        ("pool_name", Self::PoolName),
        ("vendor_name", Self::VendorName),
        ("driver_version", Self::DriverVersion),
        ("storage_protocol", Self::StorageProtocol),
        ("availability_zone", Self::AvailabilityZone),
        ("thin_provisioning_support", Self::Thin),
        ("thick_provisioning_support", Self::Thick),
        ("multiattach", Self::MultiAttach),
        ("online_extend_support", Self::OnlineExtend),
        ("QoS_support", Self::Qos),
        ("total_capacity_gb", Self::Total),
        ("free_capacity_gb", Self::Free),
        ("allocated_capacity_gb", Self::Allocated),
        ("provisioned_capacity_gb", Self::Provisioned),
        ("reserved_percentage", Self::Reserved),
        ("max_over_subscription_ratio", Self::MaxOverSubscription),
        ("total_volumes", Self::Volumes),
    ];

    /// The name, if it is one.
    pub(super) fn find(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, fact)| fact)
    }

    /// Every name, for people.
    pub(super) fn list() -> String {
        Self::NAMES.map(|(name, _)| name).join(", ")
    }
}

/// One thing known of a pool; shown as the API shows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fact<'a> {
    /// Yes or no.
    Flag(bool),
    /// A finite number, or positive infinity for what has no limit.
    Number(f64),
    /// Words.
    Text(&'a str),
    /// The backend cannot say: only the plain text `unknown` matches.
    Unknown,
}

impl<'a> Fact<'a> {
    /// What the pool says under this name.
    pub(super) fn of(pool: &'a PoolView, name: FactName) -> Self {
        let stats = &pool.stats;
        match name {
            FactName::Id => Self::Text(&pool.id),
            FactName::VolumeBackendName => Self::Text(&pool.volume_backend_name),
            FactName::PoolName => Self::Text(stats.name.as_str()),
            FactName::VendorName => Self::Text(&pool.driver.vendor_name),
            FactName::DriverVersion => Self::Text(&pool.driver.version),
            FactName::StorageProtocol => Self::Text(&pool.driver.storage_protocol),
            FactName::AvailabilityZone => Self::Text(&pool.availability_zone),
            FactName::Thin => Self::Flag(stats.provisioning == Provisioning::Thin),
            FactName::Thick => Self::Flag(stats.provisioning == Provisioning::Thick),
            FactName::MultiAttach => Self::Flag(pool.capabilities.multi_attach),
            FactName::OnlineExtend => Self::Flag(pool.capabilities.online_extend),
            FactName::Qos => Self::Flag(pool.capabilities.qos),
            FactName::Total => Self::capacity(stats.total),
            FactName::Free => Self::capacity(stats.free),
            // As in Cinder and as `get_pools` says it: what the records hold on the pool.
            FactName::Allocated | FactName::Provisioned => Self::gib(pool.provisioned),
            FactName::Reserved => Self::Number(stats.reserved_percentage.into()),
            FactName::MaxOverSubscription => Self::Number(stats.max_over_subscription_ratio),
            FactName::Volumes => Self::count(pool.volumes),
        }
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

    fn count(count: u64) -> Self {
        // Exact up to four thousand million, which no pool holds.
        Self::Number(f64::from(u32::try_from(count).unwrap_or(u32::MAX)))
    }
}

impl fmt::Display for Fact<'_> {
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
