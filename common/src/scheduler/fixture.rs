//! Pools for the scheduler's tests: 100 GiB, empty, up, reported just now, in backend `fast` and zone `nova`.

use std::time::Duration;

use proptest::test_runner::RngSeed;

use super::pool::PoolView;
use crate::{
    driver::{Capabilities, DriverInfo},
    stats::{Capacity, PoolStats, Provisioning},
    units::ByteCount,
};

/// Properties try the same cases in every run.
pub(super) const SEED: RngSeed = RngSeed::Fixed(20_261_122);

pub(super) fn gib(count: u64) -> ByteCount {
    ByteCount::from_gib(count).expect("small")
}

pub(super) fn thick(name: &str) -> PoolView {
    PoolView {
        backend: "fast".parse().expect("a name"),
        stats: PoolStats {
            name: name.parse().expect("a name"),
            total: Capacity::Known(gib(100)),
            free: Capacity::Known(gib(100)),
            allocated: Capacity::Known(gib(0)),
            reserved_percentage: 0,
            max_over_subscription_ratio: 1.0,
            provisioning: Provisioning::Thick,
            thin_metadata_free_percentage: None,
        },
        volume_backend_name: "Gold Tier".to_owned(),
        driver: DriverInfo {
            name: "local".to_owned(),
            version: "1.25".to_owned(),
            vendor_name: "Ashlar".to_owned(),
            storage_protocol: "iSCSI".to_owned(),
        },
        capabilities: Capabilities { multi_attach: true, revert: true, ..Capabilities::default() },
        availability_zone: "nova".to_owned(),
        up: true,
        age: Duration::ZERO,
        provisioned: ByteCount::ZERO,
        promised: ByteCount::ZERO,
    }
}

pub(super) fn thin(name: &str, ratio: f64) -> PoolView {
    let mut pool = thick(name);
    pool.stats.provisioning = Provisioning::Thin;
    pool.stats.max_over_subscription_ratio = ratio;
    pool
}
