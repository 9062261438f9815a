//! The Capacity weigher: among the pools that fit, most room wins (or least, as the policy says).
//!
//! Weights are normalised as Cinder does, multiplier x (w - min) / (max - min) with 0 where all are equal, so that
//! weighers to come can be summed with this one. In whole billionths rather than floating point: the same on every
//! machine, and ordered by derived `Ord`.

use std::cmp::Reverse;

use super::{
    pool::PoolView,
    request::{Placement, Policy},
    room::room,
};
use crate::stats::Capacity;

/// Billionths in one.
const ONE: i128 = 1_000_000_000;

/// How good a pool is: best field first, the greatest score wins.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    /// Room that is not known ranks last, whatever the direction.
    known: bool,
    /// A pool without limit has more room than any number: first when spreading, last when filling.
    limitless: i32,
    /// The normalised weight in billionths; 0 where room is not a number.
    points: i128,
    /// Equal pools: the first by name, so that the answer is the same each time.
    pool: Reverse<Placement>,
}

/// The best of the pools that fit; `None` if there are none.
pub(super) fn best(pools: &[&PoolView], policy: &Policy) -> Option<Placement> {
    let rooms: Vec<Capacity> = pools.iter().map(|pool| room(pool).left()).collect();
    let numbers = || rooms.iter().filter_map(|room| room.known()).map(|count| i128::from(count.bytes()));
    let (least, most) = (numbers().min().unwrap_or(0), numbers().max().unwrap_or(0));
    let score = |pool: &PoolView, room: Capacity| Score {
        known: room != Capacity::Unknown,
        limitless: if room == Capacity::Infinite { policy.capacity_multiplier.signum() } else { 0 },
        points: room.known().map_or(0, |count| {
            i128::from(policy.capacity_multiplier) * normalised(i128::from(count.bytes()), least, most)
        }),
        pool: Reverse(pool.placement()),
    };
    let best = pools.iter().zip(&rooms).map(|(pool, room)| score(pool, *room)).max()?;
    Some(best.pool.0)
}

fn normalised(weight: i128, least: i128, most: i128) -> i128 {
    if most == least { 0 } else { (weight - least) * ONE / (most - least) }
}

#[cfg(test)]
mod tests {
    use super::{ONE, best, normalised};
    use crate::{
        scheduler::{fixture, pool::PoolView, request::Policy},
        stats::Capacity,
    };

    fn holding(name: &str, room: Capacity) -> PoolView {
        let mut pool = fixture::thick(name);
        pool.stats.total = room;
        pool.stats.free = room;
        pool
    }

    fn check(multiplier: i32, rooms: &[(&str, Capacity)], winner: &str) {
        let pools: Vec<PoolView> = rooms.iter().map(|(name, room)| holding(name, *room)).collect();
        let policy = Policy { capacity_multiplier: multiplier, ..Policy::default() };
        let chosen = best(&pools.iter().collect::<Vec<_>>(), &policy).expect("some pool");
        assert_eq!(chosen.pool.as_str(), winner, "{multiplier} {rooms:?}");
    }

    fn gib(count: u64) -> Capacity {
        Capacity::Known(fixture::gib(count))
    }

    #[test]
    fn spreading_takes_the_most_room_and_filling_the_least() {
        let rooms = [("a", gib(5)), ("b", gib(9)), ("c", gib(7))];
        check(1, &rooms, "b");
        check(-1, &rooms, "a");
        check(0, &rooms, "a");
    }

    #[test]
    fn limitless_is_first_when_spreading_and_last_when_filling() {
        let rooms = [("a", gib(5)), ("b", Capacity::Infinite)];
        check(1, &rooms, "b");
        check(-1, &rooms, "a");
    }

    #[test]
    fn unknown_room_is_last_in_either_direction() {
        for multiplier in [-1, 0, 1] {
            check(multiplier, &[("a", Capacity::Unknown), ("b", gib(1))], "b");
            check(multiplier, &[("a", Capacity::Unknown), ("b", Capacity::Infinite)], "b");
            check(multiplier, &[("b", Capacity::Unknown), ("a", Capacity::Unknown)], "a");
        }
    }

    #[test]
    fn equal_pools_go_by_name() {
        check(1, &[("b", gib(5)), ("a", gib(5))], "a");
    }

    #[test]
    fn no_pools_no_winner() {
        assert_eq!(best(&[], &Policy::default()), None);
    }

    #[test]
    fn weights_are_normalised_between_least_and_most() {
        assert_eq!([normalised(3, 3, 7), normalised(5, 3, 7), normalised(7, 3, 7)], [0, ONE / 2, ONE]);
        assert_eq!(normalised(3, 3, 3), 0);
        let huge = i128::from(i64::MAX);
        assert_eq!(normalised(huge, 0, huge), ONE);
    }
}
