//! Pools for the scheduler's tests: 100 GiB, empty, up, reported just now, in backend `fast` and zone `nova`.

use std::{sync::Arc, time::Duration};

use proptest::test_runner::RngSeed;

use super::{
    ask::Ask,
    filters::Filter,
    function::Parsed,
    policy::Policy,
    pool::PoolView,
    request::{Placement, Request},
    why::Why,
};
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
        id: format!("ashlar@fast#{name}"),
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
            filter_function: None,
            goodness_function: None,
        },
        volume_backend_name: "Gold Tier".to_owned(),
        driver: DriverInfo {
            name: "local".to_owned(),
            version: "1.25".to_owned(),
            vendor_name: "Ashlar".to_owned(),
            storage_protocol: "iSCSI".to_owned(),
        },
        capabilities: Capabilities { multi_attach: true, revert: true, ..Capabilities::default() },
        machine: "node-1".to_owned(),
        filter_function: None,
        goodness_function: None,
        availability_zone: "nova".to_owned(),
        up: true,
        age: Duration::ZERO,
        provisioned: ByteCount::ZERO,
        volumes: 0,
        promised: ByteCount::ZERO,
    }
}

pub(super) fn thin(name: &str, ratio: f64) -> PoolView {
    let mut pool = thick(name);
    pool.stats.provisioning = Provisioning::Thin;
    pool.stats.max_over_subscription_ratio = ratio;
    pool
}

/// A function as a pool reports it, well-formed or not.
pub(super) fn function(text: &str) -> Option<Arc<Parsed>> {
    Some(Arc::new(text.parse()))
}

/// A pool of the backend `fast`.
pub(super) fn place(pool: &str) -> Placement {
    Placement { backend: "fast".parse().expect("a name"), pool: pool.parse().expect("a name") }
}

/// Why a pool falls at a filter; `None` if it passes.
pub(super) fn reason(filter: Filter, pool: &PoolView, request: &Request) -> Option<String> {
    let policy = Policy::default();
    let ask = Ask::new(request, &policy);
    let passes = filter.passes(pool, &ask, &mut Why::silent());
    let mut why = Why::asked();
    assert_eq!(filter.passes(pool, &ask, &mut why), passes, "asking why changes no answer");
    let said = why.said();
    assert_eq!(said.is_empty(), passes, "a pool that falls, and no other, has a reason: {said:?}");
    (!passes).then_some(said)
}
