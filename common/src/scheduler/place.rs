//! The one decision: which pool.

use super::{
    filter::Filter,
    no_fit::{Fallen, NoFit},
    pool::PoolView,
    request::{Placement, Policy, Request},
    weigh,
};

/// Picks a pool for a volume.
///
/// The answer depends on the arguments alone, not on the order of the pools. On success the caller adds the size to
/// the records of the chosen pool in the same transaction, so that the next placement sees it.
pub fn place(pools: &[PoolView], request: &Request, policy: &Policy) -> Result<Placement, NoFit> {
    let mut fitting = Vec::new();
    let mut fallen = Vec::new();
    for pool in pools {
        match Filter::first_refusal(pool, request, policy) {
            None => fitting.push(pool),
            Some((filter, reason)) => fallen.push(Fallen { pool: pool.placement(), filter, reason }),
        }
    }
    weigh::best(&fitting, policy).ok_or_else(|| NoFit::of(request, fallen))
}

#[cfg(test)]
mod tests;
