//! Placement as a whole: which pool is chosen, and what holds whatever the pools.

use std::time::Duration;

use proptest::{
    collection::vec,
    option,
    prelude::{Just, Strategy, any, prop_oneof},
    prop_assert, prop_assert_eq, proptest,
    sample::{Index, select},
    test_runner::Config,
};

use super::place;
use crate::{
    scheduler::{
        filters::Filter,
        fixture::{SEED, gib, thick, thin},
        policy::Policy,
        pool::PoolView,
        request::{Placement, Request},
        room::room,
        weighers::{Weigher, Weighing},
    },
    stats::Capacity,
    units::ByteCount,
};

fn sized(size: ByteCount) -> Request {
    Request { size, ..Request::default() }
}

/// The pool chosen, or the filter at which each pool fell, by pool.
fn check(pools: &[PoolView], request: &Request, expected: Result<&str, &[(&str, Filter)]>) {
    match (place(pools, request, &Policy::default()), expected) {
        (Ok(placement), Ok(pool)) => assert_eq!(placement.to_string(), pool),
        (Err(no_fit), Err(fallen)) => {
            let fell: Vec<_> = no_fit.fallen.iter().map(|one| (one.pool.to_string(), one.filter)).collect();
            assert_eq!(fell, fallen.iter().map(|(pool, filter)| ((*pool).to_owned(), *filter)).collect::<Vec<_>>());
        }
        (got, _) => panic!("{got:?}, not {expected:?}"),
    }
}

#[test]
fn the_pool_with_most_room_is_chosen() {
    let mut used = thick("a");
    used.provisioned = gib(10);
    check(&[used.clone(), thick("b")], &sized(gib(5)), Ok("fast#b"));
    check(&[used.clone(), thin("c", 2.0), thick("b")], &sized(gib(5)), Ok("fast#c"));
    check(&[used], &sized(gib(90)), Ok("fast#a"));
}

#[test]
fn each_pool_falls_at_the_first_filter_it_misses() {
    let broken = |name: &str, breaking: fn(&mut PoolView)| {
        let mut pool = thick(name);
        breaking(&mut pool);
        pool
    };
    let pools = [
        broken("down", |pool| pool.up = false),
        broken("stale", |pool| pool.age = Duration::from_secs(3600)),
        broken("far", |pool| pool.availability_zone = "moon".to_owned()),
        broken("full", |pool| pool.provisioned = gib(100)),
        broken("plain", |pool| pool.capabilities.multi_attach = false),
        broken("all", |pool| {
            pool.up = false;
            pool.provisioned = gib(100);
        }),
    ];
    let request = Request { availability_zone: Some("nova".to_owned()), multi_attach: true, ..sized(gib(1)) };
    let fallen = [
        ("fast#plain", Filter::Capabilities),
        ("fast#full", Filter::Capacity),
        ("fast#far", Filter::AvailabilityZone),
        ("fast#stale", Filter::FreshReport),
        ("fast#all", Filter::BackendUp),
        ("fast#down", Filter::BackendUp),
    ];
    check(&pools, &request, Err(&fallen));
    check(&[], &request, Err(&[]));
}

#[test]
fn a_copy_stays_with_its_source_even_where_another_pool_has_more_room() {
    let mut source = thick("a");
    source.provisioned = gib(90);
    let copy = |size| Request {
        only: Some(("fast".parse().expect("a name"), "a".parse().expect("a name"))),
        ..sized(gib(size))
    };
    check(&[source.clone(), thick("b")], &copy(5), Ok("fast#a"));
    let fallen = [("fast#a", Filter::Capacity), ("fast#b", Filter::SourcePool)];
    check(&[source, thick("b")], &copy(50), Err(&fallen));
}

#[test]
fn the_refusal_is_one_line_a_user_can_act_on() {
    let mut stale = thick("b");
    stale.age = Duration::from_secs(3600);
    let no_fit = place(&[stale, thick("a")], &sized(gib(200)), &Policy::default()).expect_err("too large");
    assert_eq!(
        no_fit.to_string(),
        "no pool fits: fast#a (Capacity): 200.00 GiB wanted, 100.00 GiB left to promise; \
         fast#b (FreshReport): its last report is 3600 s old, and the limit is 180 s"
    );
}

fn bytes() -> impl Strategy<Value = ByteCount> {
    let count = |bytes| ByteCount::new(bytes).expect("in range");
    prop_oneof![
        8 => (0..2000_u64).prop_map(count),
        1 => (0..=ByteCount::MAX.bytes()).prop_map(count),
        1 => Just(ByteCount::MAX),
    ]
}

fn capacity() -> impl Strategy<Value = Capacity> {
    prop_oneof![8 => bytes().prop_map(Capacity::Known), 1 => Just(Capacity::Unknown), 1 => Just(Capacity::Infinite)]
}

fn ratio() -> impl Strategy<Value = f64> {
    prop_oneof![4 => 1.0..4.0, 1 => any::<f64>(), 1 => Just(f64::NAN), 1 => Just(f64::INFINITY)]
}

/// A pool with any report; `number` is in its name.
fn pool(number: usize) -> impl Strategy<Value = PoolView> {
    let report = (capacity(), capacity(), any::<u8>().prop_map(|raw| raw / 4), ratio(), any::<bool>());
    let state = (option::weighted(0.3, 0..20_u8), bytes(), bytes(), 0..30_u32);
    (report, state).prop_map(
        move |((total, free, reserved, ratio, is_thin), (metadata, provisioned, promised, luck))| {
            let name = format!("p{number}");
            let mut pool = if is_thin { thin(&name, ratio) } else { thick(&name) };
            pool.stats.total = total;
            pool.stats.free = free;
            pool.stats.reserved_percentage = reserved;
            pool.stats.thin_metadata_free_percentage = metadata;
            pool.provisioned = provisioned.max(promised);
            pool.promised = promised;
            pool.up = luck != 0;
            pool.age = Duration::from_secs(if luck == 1 { 1000 } else { 0 });
            pool.capabilities.multi_attach = luck % 2 == 0;
            pool
        },
    )
}

fn pools() -> impl Strategy<Value = Vec<PoolView>> {
    (0..6_usize).prop_flat_map(|count| (0..count).map(pool).collect::<Vec<_>>())
}

fn request() -> impl Strategy<Value = Request> {
    (bytes(), any::<bool>()).prop_map(|(size, multi_attach)| Request { multi_attach, ..sized(size) })
}

fn policy() -> impl Strategy<Value = Policy> {
    let weighers =
        [Weigher::Capacity, Weigher::AllocatedCapacity, Weigher::VolumeNumber, Weigher::Goodness, Weigher::Chance];
    let weighing =
        (select(weighers.to_vec()), -1e6..1e6).prop_map(|(weigher, multiplier)| Weighing { weigher, multiplier });
    vec(weighing, 0..4).prop_map(|weighers| Policy { weighers, ..Policy::default() })
}

fn find<'a>(pools: &'a mut [PoolView], placement: &Placement) -> &'a mut PoolView {
    pools.iter_mut().find(|pool| pool.placement() == *placement).expect("a pool of the input")
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, rng_seed: SEED, ..Config::default() })]

    #[test]
    fn no_volume_is_placed_beyond_the_room(mut pools in pools(), request in request(), policy in policy()) {
        if let Ok(placement) = place(&pools, &request, &policy) {
            let room = room(find(&mut pools, &placement));
            prop_assert!(room.admit(request.size).is_ok());
            if let Capacity::Known(left) = room.left() {
                prop_assert!(request.size <= left);
            }
        }
    }

    #[test]
    fn room_that_is_a_number_is_exactly_what_fits(pool in pool(0)) {
        let room = room(&pool);
        let one = ByteCount::new(1).expect("small");
        match room.left() {
            Capacity::Known(left) => {
                prop_assert!(room.admit(left).is_ok());
                prop_assert!(left == ByteCount::MAX || room.admit(left.saturating_add(one)).is_err());
            }
            Capacity::Infinite => prop_assert!(room.admit(ByteCount::MAX).is_ok()),
            Capacity::Unknown => prop_assert!(room.admit(one).is_ok()),
        }
    }

    #[test]
    fn placing_again_and_again_never_exceeds_the_room(
        mut pools in pools(),
        requests in vec(request(), 0..40).prop_shuffle(),
        policy in policy(),
    ) {
        let rooms: Vec<_> = pools.iter().map(|pool| (pool.placement(), room(pool).left())).collect();
        let mut placed: Vec<u128> = vec![0; rooms.len()];
        for request in requests {
            let Ok(placement) = place(&pools, &request, &policy) else { continue };
            let pool = find(&mut pools, &placement);
            pool.provisioned = pool.provisioned.saturating_add(request.size);
            pool.promised = pool.promised.saturating_add(request.size);
            let at = rooms.iter().position(|(id, _)| *id == placement).expect("a pool of the input");
            placed[at] += u128::from(request.size.bytes());
        }
        for ((id, room), placed) in rooms.iter().zip(placed) {
            if let Capacity::Known(room) = room {
                prop_assert!(placed <= u128::from(room.bytes()), "{id}: {placed} of {room:?}");
            }
        }
    }

    #[test]
    fn another_pool_never_turns_a_placement_into_a_refusal(
        pools in pools(), more in pool(9), at in any::<Index>(), request in request(), policy in policy(),
    ) {
        let before = place(&pools, &request, &policy);
        let mut with_more = pools;
        with_more.insert(at.index(with_more.len() + 1), more);
        prop_assert!(before.is_err() || place(&with_more, &request, &policy).is_ok());
    }

    #[test]
    fn the_order_of_the_pools_does_not_matter(
        (pools, shuffled) in pools().prop_flat_map(|pools| (Just(pools.clone()), Just(pools).prop_shuffle())),
        request in request(),
        policy in policy(),
    ) {
        prop_assert_eq!(place(&pools, &request, &policy), place(&shuffled, &request, &policy));
    }
}
