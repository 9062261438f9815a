//! VolumeNumber: how many volumes a pool has. With its default of -1 the pool with fewest wins.

use super::weigher::Weight;
use crate::scheduler::pool::PoolView;

pub(super) fn weight(pool: &PoolView) -> Weight {
    // Exact up to four thousand million, which no pool holds.
    Weight::Number(f64::from(u32::try_from(pool.volumes).unwrap_or(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::{Weight, weight};
    use crate::scheduler::fixture;

    #[test]
    fn the_number_of_its_volumes() {
        let mut pool = fixture::thick("a");
        pool.volumes = 7;
        assert_eq!(weight(&pool), Weight::Number(7.0));
        pool.volumes = u64::MAX;
        assert_eq!(weight(&pool), Weight::Number(4_294_967_295.0));
    }
}
