//! What the scheduler is told.

use ashlar_common::{
    ids::PoolName,
    stats::{Capacity, PoolStats, Provisioning},
};

use super::{
    disk::Home,
    state::{Pool, bytes},
};

/// How many times its bytes a thin pool promises.
const OVER_SUBSCRIPTION: f64 = 20.0;

impl Pool {
    /// A pool's room; `counted`: with what is taken. A backend without capabilities does not count it, to show that
    /// `Unknown` is well.
    pub(super) fn stats(&self, name: &PoolName, counted: bool) -> PoolStats {
        let known = |count: u64| Capacity::Known(bytes(count));
        let (data, metadata) = match &self.home {
            Home::Thick(data) => (data, None),
            Home::Thin { data, metadata } => (data, Some(metadata)),
        };
        let percent = |left: u64, of: u64| u8::try_from(left.saturating_mul(100) / of.max(1)).unwrap_or(100);
        PoolStats {
            name: name.clone(),
            total: known(data.limit()),
            free: known(data.left()),
            allocated: if counted { known(data.taken()) } else { Capacity::Unknown },
            reserved_percentage: 0,
            max_over_subscription_ratio: match self.provisioning {
                Provisioning::Thin => OVER_SUBSCRIPTION,
                Provisioning::Thick => 1.0,
            },
            provisioning: self.provisioning,
            thin_metadata_free_percentage: metadata.map(|room| percent(room.left(), room.limit())),
            filter_function: None,
            goodness_function: None,
        }
    }
}
