//! Capacity: room that is left. Positive multipliers spread volumes over the pools, negative ones fill pool after pool.

use super::weigher::Weight;
use crate::{
    scheduler::{pool::PoolView, room::room},
    stats::Capacity,
};

pub(super) fn weight(pool: &PoolView) -> Weight {
    match room(pool).left() {
        Capacity::Known(count) => Weight::Number(count.gib_f64()),
        Capacity::Infinite => Weight::Limitless,
        Capacity::Unknown => Weight::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::{Weight, weight};
    use crate::{scheduler::fixture, stats::Capacity};

    #[test]
    fn the_room_is_what_the_capacity_filter_measures() {
        let mut pool = fixture::thin("a", 2.0);
        pool.provisioned = fixture::gib(50);
        assert_eq!(weight(&pool), Weight::Number(150.0));
        pool.stats.free = Capacity::Unknown;
        assert_eq!(weight(&pool), Weight::Unknown);
        (pool.stats.free, pool.stats.total) = (Capacity::Infinite, Capacity::Infinite);
        assert_eq!(weight(&pool), Weight::Limitless);
    }
}
