//! Chance: a lot drawn for each pool.
//!
//! The lot depends on the request's id and the pool's name alone: the same request draws the same lots, whatever the order
//! of the pools, and so placement stays a function of its arguments.

use super::weigher::Weight;
use crate::scheduler::{ask::Ask, pool::PoolView};

pub(super) fn weight(pool: &PoolView, ask: &Ask<'_>) -> Weight {
    let parts = [ask.request.id.as_str(), pool.backend.as_str(), pool.stats.name.as_str()];
    // The upper 32 bits, as a number from 0 to 1.
    let lot = u32::try_from(mixed(hash(parts)) >> 32).unwrap_or(u32::MAX);
    Weight::Number(f64::from(lot) / f64::from(u32::MAX))
}

/// FNV-1a over the parts, each ended by a byte that no text holds.
fn hash(parts: [&str; 3]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0xff]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// SplitMix64's last steps: names that differ in one letter get lots that have nothing in common.
fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Weight, weight};
    use crate::scheduler::{ask::Ask, fixture, policy::Policy, request::Request};

    fn lot(request: &str, pool: &str) -> f64 {
        let (request, policy) = (Request { id: request.to_owned(), ..Request::default() }, Policy::default());
        match weight(&fixture::thick(pool), &Ask::new(&request, &policy)) {
            Weight::Number(lot) => lot,
            other => panic!("{other:?} is no lot"),
        }
    }

    #[test]
    fn a_request_draws_the_same_each_time_and_another_draws_anew() {
        assert!((lot("req-1", "a") - lot("req-1", "a")).abs() < f64::EPSILON);
        assert!((lot("req-1", "a") - lot("req-2", "a")).abs() > f64::EPSILON);
        assert!((lot("req-1", "a") - lot("req-1", "b")).abs() > f64::EPSILON);
    }

    #[test]
    fn lots_are_spread_evenly() {
        let wins = |pool: &str| {
            let others = ["a", "b", "c", "d"];
            (0..4000)
                .filter(|n| {
                    others.iter().all(|other| lot(&format!("req-{n}"), pool) >= lot(&format!("req-{n}"), other))
                })
                .count()
        };
        for pool in ["a", "b", "c", "d"] {
            assert!((900..1100).contains(&wins(pool)), "{pool} wins {} of 4000", wins(pool));
        }
    }
}
