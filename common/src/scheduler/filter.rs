//! The filters by name, and their order.

use std::fmt;

use super::{
    availability_zone, capabilities, capacity,
    pool::PoolView,
    reporting,
    request::{Policy, Request},
    source,
};

/// A filter. Ordered as they are applied, so the greater one is the one a pool reached last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Filter {
    /// A copy stays on the pool of its source.
    SourcePool,
    /// The host of the backend is up.
    BackendUp,
    /// The report is fresh.
    FreshReport,
    /// Cinder's AvailabilityZoneFilter.
    AvailabilityZone,
    /// Cinder's CapacityFilter.
    Capacity,
    /// Cinder's CapabilitiesFilter.
    Capabilities,
}

impl Filter {
    const IN_ORDER: [Self; 6] = [
        Self::SourcePool,
        Self::BackendUp,
        Self::FreshReport,
        Self::AvailabilityZone,
        Self::Capacity,
        Self::Capabilities,
    ];

    /// The first filter the pool does not pass, and why.
    pub(super) fn first_refusal(pool: &PoolView, request: &Request, policy: &Policy) -> Option<(Self, String)> {
        Self::IN_ORDER.into_iter().find_map(|filter| {
            let reason = filter.check(pool, request, policy).err()?;
            Some((filter, reason))
        })
    }

    fn check(self, pool: &PoolView, request: &Request, policy: &Policy) -> Result<(), String> {
        match self {
            Self::SourcePool => source::check(pool, request),
            Self::BackendUp => reporting::check_up(pool),
            Self::FreshReport => reporting::check_fresh(pool, policy),
            Self::AvailabilityZone => availability_zone::check(pool, request),
            Self::Capacity => capacity::check(pool, request),
            Self::Capabilities => capabilities::check(pool, request),
        }
    }
}

/// The name in messages.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SourcePool => "SourcePool",
            Self::BackendUp => "BackendUp",
            Self::FreshReport => "FreshReport",
            Self::AvailabilityZone => "AvailabilityZone",
            Self::Capacity => "Capacity",
            Self::Capabilities => "Capabilities",
        })
    }
}
