//! The one decision: which pool.

use super::{
    ask::Ask,
    filters::Filter,
    no_fit::NoFit,
    policy::Policy,
    pool::PoolView,
    request::{Placement, Request},
    weighers,
};

/// Picks a pool for a volume.
///
/// The answer depends on the arguments alone, not on the order of the pools. On success the caller adds the size to
/// the records of the chosen pool in the same transaction, so that the next placement sees it.
///
/// # Errors
/// [`NoFit`] when no pool passes. Its texts are made then and not before.
pub fn place(pools: &[PoolView], request: &Request, policy: &Policy) -> Result<Placement, NoFit> {
    let ask = Ask::new(request, policy);
    let mut fitting = Vec::with_capacity(pools.len());
    fitting.extend(pools.iter().filter(|pool| Filter::first_missed(pool, &ask).is_none()));
    weighers::best(&fitting, &ask).ok_or_else(|| NoFit::among(pools, &ask))
}

#[cfg(test)]
mod tests;
