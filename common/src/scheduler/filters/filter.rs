//! The filters by name, and their order.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    availability_zone, capabilities, capacity, different_backend, driver, ignore_attempted_hosts, instance_locality,
    json, reporting, same_backend, source,
};
use crate::scheduler::{ask::Ask, pool::PoolView, why::Why};

/// A filter. Ordered as they are applied, the cheap ones first, so the greater one is the one a pool reached last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Filter {
    /// A copy stays on the pool of its source.
    SourcePool,
    /// The host of the backend is up.
    BackendUp,
    /// The report is fresh.
    FreshReport,
    /// Cinder's AvailabilityZoneFilter.
    AvailabilityZone,
    /// Cinder's IgnoreAttemptedHostsFilter, once named RetryFilter.
    IgnoreAttemptedHosts,
    /// Cinder's SameBackendFilter: the hint `same_host`.
    SameBackend,
    /// Cinder's DifferentBackendFilter: the hint `different_host`.
    DifferentBackend,
    /// Cinder's InstanceLocalityFilter: the hint `local_to_instance`.
    InstanceLocality,
    /// Cinder's CapacityFilter.
    Capacity,
    /// Cinder's CapabilitiesFilter.
    Capabilities,
    /// Cinder's DriverFilter: the pool's `filter_function`.
    Driver,
    /// Cinder's JsonFilter: the hint `query`.
    Json,
}

/// A name that is no filter's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no filter {name:?}; there are {known}")]
pub struct UnknownFilter {
    name: String,
    known: String,
}

impl Filter {
    /// Those that no configuration leaves out: each keeps a volume from where it could not be made.
    pub(in crate::scheduler) const ALWAYS: [Self; 3] = [Self::SourcePool, Self::BackendUp, Self::FreshReport];

    /// Cinder's default.
    pub const DEFAULT: [Self; 3] = [Self::AvailabilityZone, Self::Capacity, Self::Capabilities];

    /// Those a configuration chooses from, by Cinder's names.
    const NAMES: [(&str, Self); 10] = [
        ("AvailabilityZoneFilter", Self::AvailabilityZone),
        ("CapacityFilter", Self::Capacity),
        ("CapabilitiesFilter", Self::Capabilities),
        ("DriverFilter", Self::Driver),
        ("SameBackendFilter", Self::SameBackend),
        ("DifferentBackendFilter", Self::DifferentBackend),
        ("InstanceLocalityFilter", Self::InstanceLocality),
        ("IgnoreAttemptedHostsFilter", Self::IgnoreAttemptedHosts),
        ("RetryFilter", Self::IgnoreAttemptedHosts),
        ("JsonFilter", Self::Json),
    ];

    /// Whether the pool stays.
    pub(in crate::scheduler) fn passes(self, pool: &PoolView, ask: &Ask<'_>, why: &mut Why) -> bool {
        match self {
            Self::SourcePool => source::passes(pool, ask, why),
            Self::BackendUp => reporting::is_up(pool, why),
            Self::FreshReport => reporting::is_fresh(pool, ask, why),
            Self::AvailabilityZone => availability_zone::passes(pool, ask, why),
            Self::IgnoreAttemptedHosts => ignore_attempted_hosts::passes(pool, ask, why),
            Self::SameBackend => same_backend::passes(pool, ask, why),
            Self::DifferentBackend => different_backend::passes(pool, ask, why),
            Self::InstanceLocality => instance_locality::passes(pool, ask, why),
            Self::Capacity => capacity::passes(pool, ask, why),
            Self::Capabilities => capabilities::passes(pool, ask, why),
            Self::Driver => driver::passes(pool, ask, why),
            Self::Json => json::passes(pool, ask, why),
        }
    }

    /// The first filter of the policy that the pool does not pass.
    pub(in crate::scheduler) fn first_missed(pool: &PoolView, ask: &Ask<'_>) -> Option<Self> {
        ask.policy.filters.iter().copied().find(|filter| !filter.passes(pool, ask, &mut Why::silent()))
    }

    /// Why a pool that fell here did.
    pub(in crate::scheduler) fn reason(self, pool: &PoolView, ask: &Ask<'_>) -> String {
        let mut why = Why::asked();
        self.passes(pool, ask, &mut why);
        why.said()
    }

    /// What a configuration calls it; those that always apply have a name in messages only.
    #[must_use]
    pub fn name(self) -> String {
        let named = Self::NAMES.into_iter().find(|(_, filter)| *filter == self);
        named.map_or_else(|| self.to_string(), |(name, _)| name.to_owned())
    }
}

impl FromStr for Filter {
    type Err = UnknownFilter;

    fn from_str(name: &str) -> Result<Self, UnknownFilter> {
        let named = Self::NAMES.into_iter().find(|(known, _)| *known == name);
        named.map(|(_, filter)| filter).ok_or_else(|| UnknownFilter {
            name: name.chars().take(60).collect(),
            known: Self::NAMES.map(|(name, _)| name).join(", "),
        })
    }
}

impl TryFrom<String> for Filter {
    type Error = UnknownFilter;

    fn try_from(name: String) -> Result<Self, UnknownFilter> {
        name.parse()
    }
}

impl From<Filter> for String {
    fn from(filter: Filter) -> Self {
        filter.name()
    }
}

/// The name in messages: Cinder's without its last word.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::Filter;

    #[test]
    fn every_filter_of_cinder_is_known_by_its_name() {
        for name in [
            "AvailabilityZoneFilter",
            "CapabilitiesFilter",
            "CapacityFilter",
            "DifferentBackendFilter",
            "DriverFilter",
            "IgnoreAttemptedHostsFilter",
            "InstanceLocalityFilter",
            "JsonFilter",
            "RetryFilter",
            "SameBackendFilter",
        ] {
            let filter: Filter = name.parse().expect(name);
            assert!(filter.name() == name || name == "RetryFilter", "{name} is shown as {}", filter.name());
        }
    }

    #[test]
    fn defaults_are_those_of_cinder() {
        let names = Filter::DEFAULT.map(Filter::name);
        assert_eq!(names, ["AvailabilityZoneFilter", "CapacityFilter", "CapabilitiesFilter"]);
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let refused = "CapacityFiltre".parse::<Filter>().expect_err("misspelt").to_string();
        assert!(refused.contains("\"CapacityFiltre\"") && refused.contains("CapacityFilter, "), "{refused}");
        assert!("SourcePool".parse::<Filter>().is_err(), "what always applies is not chosen");
    }
}
