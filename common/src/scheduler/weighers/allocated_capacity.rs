//! AllocatedCapacity: what the volumes of a pool count for. With its default of -1 the pool with least wins.

use super::weigher::Weight;
use crate::scheduler::pool::PoolView;

pub(super) fn weight(pool: &PoolView) -> Weight {
    Weight::Number(pool.provisioned.gib_f64())
}

#[cfg(test)]
mod tests {
    use super::{Weight, weight};
    use crate::scheduler::fixture;

    #[test]
    fn the_sizes_of_its_volumes() {
        let mut pool = fixture::thick("a");
        assert_eq!(weight(&pool), Weight::Number(0.0));
        pool.provisioned = fixture::gib(7);
        assert_eq!(weight(&pool), Weight::Number(7.0));
    }
}
