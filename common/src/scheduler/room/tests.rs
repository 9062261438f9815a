//! Room, limit by limit.

use super::{Shortage, room, subscribed};
use crate::{
    scheduler::{
        fixture::{gib, thick, thin},
        pool::PoolView,
    },
    stats::Capacity,
    units::{ByteCount, GIB},
};

/// A pool of so many GiB (total, free), reserve in percent, then GiB provisioned and promised.
fn with(mut pool: PoolView, sizes: (u64, u64), reserved: u8, provisioned: u64, promised: u64) -> PoolView {
    pool.stats.total = Capacity::Known(gib(sizes.0));
    pool.stats.free = Capacity::Known(gib(sizes.1));
    pool.stats.reserved_percentage = reserved;
    pool.provisioned = gib(provisioned);
    pool.promised = gib(promised);
    pool
}

fn check(pool: &PoolView, logical: u64, physical: u64) {
    let room = room(pool);
    assert_eq!((room.logical, room.physical), (Capacity::Known(gib(logical)), Capacity::Known(gib(physical))));
    assert_eq!(room.left(), Capacity::Known(gib(logical.min(physical))));
}

#[test]
fn thick_room_keeps_the_reserve_in_both_limits() {
    check(&with(thick("a"), (100, 100), 0, 0, 0), 100, 100);
    check(&with(thick("a"), (100, 100), 10, 0, 0), 90, 90);
    check(&with(thick("a"), (100, 70), 10, 30, 0), 60, 60);
    check(&with(thick("a"), (100, 70), 10, 50, 20), 40, 40);
    check(&with(thick("a"), (100, 5), 10, 30, 0), 60, 0);
    check(&with(thick("a"), (100, 100), 100, 0, 0), 0, 0);
    check(&with(thick("a"), (100, 100), 255, 0, 0), 0, 0);
}

#[test]
fn thick_room_does_not_follow_the_ratio() {
    let mut pool = with(thick("a"), (100, 100), 0, 0, 0);
    pool.stats.max_over_subscription_ratio = 20.0;
    check(&pool, 100, 100);
}

#[test]
fn thin_room_follows_the_ratio_in_both_limits() {
    check(&with(thin("a", 1.0), (100, 100), 0, 0, 0), 100, 100);
    check(&with(thin("a", 2.0), (100, 100), 10, 60, 0), 120, 180);
    check(&with(thin("a", 2.0), (100, 40), 10, 60, 0), 120, 60);
    check(&with(thin("a", 2.0), (100, 40), 10, 60, 25), 120, 35);
    check(&with(thin("a", 2.0), (100, 100), 0, 500, 0), 0, 200);
}

#[test]
fn a_full_disk_has_no_thin_room_at_any_ratio() {
    check(&with(thin("a", 1000.0), (100, 0), 0, 0, 0), 100_000, 0);
    check(&with(thin("a", 1000.0), (100, 10), 10, 0, 0), 90_000, 0);
}

#[test]
fn the_reserve_is_rounded_down_to_a_byte() {
    let mut pool = thick("a");
    pool.stats.total = Capacity::Known(ByteCount::new(199).expect("small"));
    pool.stats.reserved_percentage = 1;
    assert_eq!(room(&pool).logical, Capacity::Known(ByteCount::new(198).expect("small")));
}

#[test]
fn decimal_ratios_give_what_the_operator_reckons() {
    let times = |count, ratio| subscribed(ByteCount::new(count).expect("small"), ratio).bytes();
    assert_eq!([times(20 * GIB, 1.15), times(10, 1.1), times(3, 1.5)], [23 * GIB, 11, 4]);
    assert_eq!([times(10, 0.5), times(10, -3.0), times(10, f64::NAN)], [10, 10, 10]);
    let most = ByteCount::MAX.bytes();
    assert_eq!([times(most, 1.0), times(most, 1e300), times(1, f64::INFINITY)], [most, most, 18_446_744_073_709]);
    assert_eq!(times(most - 1, 1.0), most - 1);
}

fn check_kinds(pool: PoolView, total: Capacity, free: Capacity, left: Capacity) {
    let mut pool = pool;
    pool.stats.total = total;
    pool.stats.free = free;
    assert_eq!(room(&pool).left(), left, "{total:?} {free:?}");
}

#[test]
fn infinite_is_no_limit_and_unknown_stays_unknown() {
    use Capacity::{Infinite, Known, Unknown};
    for pool in [thick("a"), thin("a", 1.0)] {
        check_kinds(pool.clone(), Infinite, Infinite, Infinite);
        check_kinds(pool.clone(), Infinite, Known(gib(5)), Known(gib(5)));
        check_kinds(pool.clone(), Known(gib(7)), Infinite, Known(gib(7)));
        check_kinds(pool.clone(), Unknown, Infinite, Unknown);
        check_kinds(pool.clone(), Known(gib(7)), Unknown, Unknown);
        check_kinds(pool, Unknown, Known(gib(0)), Known(gib(0)));
    }
}

#[test]
fn a_known_limit_binds_beside_an_unknown_one() {
    let mut pool = thick("a");
    pool.stats.free = Capacity::Unknown;
    let (wanted, left) = (gib(101), gib(100));
    assert_eq!(room(&pool).admit(left), Ok(()));
    assert_eq!(room(&pool).admit(wanted), Err(Shortage::Logical { wanted, left }));
}

#[test]
fn free_bytes_stand_for_an_unknown_total_in_the_reserve() {
    let mut pool = with(thick("a"), (0, 50), 10, 0, 0);
    pool.stats.total = Capacity::Unknown;
    assert_eq!(room(&pool).physical, Capacity::Known(gib(45)));
}

#[test]
fn thin_metadata_counts_only_where_it_is_known_and_thin() {
    let left = |mut pool: PoolView, free| {
        pool.stats.thin_metadata_free_percentage = free;
        room(&pool).left()
    };
    let (some, none) = (Capacity::Known(gib(100)), Capacity::Known(ByteCount::ZERO));
    assert_eq!([left(thin("a", 1.0), None), left(thin("a", 1.0), Some(5))], [some, some]);
    assert_eq!([left(thin("a", 1.0), Some(4)), left(thin("a", 1.0), Some(0))], [none, none]);
    assert_eq!(left(thick("a"), Some(0)), some);
}

#[test]
fn sizes_a_byte_apart_are_shown_apart() {
    let wanted = ByteCount::new(GIB + 1).expect("small");
    let shown = Shortage::Logical { wanted, left: gib(1) }.to_string();
    assert_eq!(shown, "1073741825 B wanted, 1073741824 B left to promise");
}
