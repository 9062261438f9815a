//! Scores and winners.

use super::{Scale, Weight, best, ranked};
use crate::{
    scheduler::{
        ask::Ask,
        fixture,
        policy::Policy,
        pool::PoolView,
        request::Request,
        weighers::{Weigher, Weighing},
    },
    stats::Capacity,
};

fn policy(weighers: &[(Weigher, f64)]) -> Policy {
    let weighers = weighers.iter().map(|(weigher, multiplier)| Weighing { weigher: *weigher, multiplier: *multiplier });
    Policy { weighers: weighers.collect(), ..Policy::default() }
}

fn winner(pools: &[PoolView], weighers: &[(Weigher, f64)]) -> String {
    let (request, policy) = (Request { id: "req-1".to_owned(), ..Request::default() }, policy(weighers));
    let ask = Ask::new(&request, &policy);
    let pools: Vec<&PoolView> = pools.iter().collect();
    let best = best(&pools, &ask).expect("some pool");
    let ranked = ranked(&pools, &ask);
    assert_eq!(ranked[0].0.placement(), best, "what is explained is what is done");
    best.pool.to_string()
}

fn holding(name: &str, room: Capacity) -> PoolView {
    let mut pool = fixture::thick(name);
    pool.stats.total = room;
    pool.stats.free = room;
    pool
}

fn check(multiplier: f64, rooms: &[(&str, Capacity)], expected: &str) {
    let pools: Vec<PoolView> = rooms.iter().map(|(name, room)| holding(name, *room)).collect();
    assert_eq!(winner(&pools, &[(Weigher::Capacity, multiplier)]), expected, "{multiplier} {rooms:?}");
}

fn gib(count: u64) -> Capacity {
    Capacity::Known(fixture::gib(count))
}

#[test]
fn spreading_takes_the_most_room_and_filling_the_least() {
    let rooms = [("a", gib(5)), ("b", gib(9)), ("c", gib(7))];
    check(1.0, &rooms, "b");
    check(-1.0, &rooms, "a");
    check(0.0, &rooms, "a");
}

#[test]
fn limitless_is_first_when_spreading_and_last_when_filling() {
    let rooms = [("a", gib(5)), ("b", Capacity::Infinite)];
    check(1.0, &rooms, "b");
    check(-1.0, &rooms, "a");
}

#[test]
fn unknown_room_is_last_in_either_direction() {
    for multiplier in [-1.0, 1.0] {
        check(multiplier, &[("a", Capacity::Unknown), ("b", gib(1))], "b");
        check(multiplier, &[("a", Capacity::Unknown), ("b", Capacity::Infinite)], "b");
        check(multiplier, &[("b", Capacity::Unknown), ("a", Capacity::Unknown)], "a");
    }
}

#[test]
fn equal_pools_go_by_name() {
    check(1.0, &[("b", gib(5)), ("a", gib(5))], "a");
}

#[test]
fn no_pools_no_winner() {
    let (request, policy) = (Request::default(), Policy::default());
    assert_eq!(best(&[], &Ask::new(&request, &policy)), None);
}

#[test]
fn no_weighers_and_the_first_name_wins() {
    assert_eq!(winner(&[holding("b", gib(9)), holding("a", gib(5))], &[]), "a");
}

#[test]
fn cinders_defaults_of_the_counting_weighers_spread() {
    let (mut many, mut few) = (fixture::thick("a"), fixture::thick("b"));
    (many.volumes, few.volumes) = (9, 2);
    (many.provisioned, few.provisioned) = (fixture::gib(1), fixture::gib(50));
    let pools = [many, few];
    assert_eq!(winner(&pools, &[(Weigher::VolumeNumber, -1.0)]), "b");
    assert_eq!(winner(&pools, &[(Weigher::AllocatedCapacity, -1.0)]), "a");
    assert_eq!(winner(&pools, &[(Weigher::AllocatedCapacity, -1.0), (Weigher::VolumeNumber, -2.0)]), "b");
}

#[test]
fn the_goodness_example_of_cinders_guide() {
    let pool = |name: &str, function: &str| {
        let mut pool = fixture::thick(name);
        pool.goodness_function = fixture::function(function);
        pool
    };
    let pools = [pool("lvm-1", "(volume.size < 5) ? 100 : 50"), pool("lvm-2", "(volume.size >= 5) ? 100 : 25")];
    let policy = policy(&[(Weigher::Goodness, 1.0)]);
    for (size, expected) in [(10, "lvm-2"), (3, "lvm-1")] {
        let request = Request { size: fixture::gib(size), ..Request::default() };
        let found = best(&pools.iter().collect::<Vec<_>>(), &Ask::new(&request, &policy)).expect("some pool");
        assert_eq!(found.pool.as_str(), expected, "{size} GiB");
    }
}

#[test]
fn weights_are_brought_to_one_scale() {
    let points = |weights: &[f64], multiplier| {
        let weights: Vec<Weight> = weights.iter().map(|weight| Weight::Number(*weight)).collect();
        let scale = Scale::of(&weights, multiplier);
        weights.iter().map(|weight| scale.points(*weight)).collect::<Vec<_>>()
    };
    assert_eq!(points(&[3.0, 5.0, 7.0], 1.0), [0.0, 0.5, 1.0]);
    assert_eq!(points(&[3.0, 5.0, 7.0], -2.0), [0.0, -1.0, -2.0]);
    assert_eq!(points(&[3.0, 3.0], 1.0), [0.0, 0.0]);
    assert_eq!(points(&[], 1.0), [0.0; 0]);
}
