//! Why a volume would go where it would: every pool, with the filter it fell at or its scores.

use super::{
    ask::Ask,
    filters::Filter,
    no_fit::{Fallen, NoFit},
    policy::Policy,
    pool::PoolView,
    request::{Placement, Request},
    weighers::{self, Score},
};

/// A placement with its reasons.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The pools that fit, the chosen one first.
    pub fitting: Vec<Scored>,
    /// The others, the one that came furthest first.
    pub fallen: Vec<Fallen>,
}

/// A pool that fits.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// The pool.
    pub pool: Placement,
    /// What the weighers gave it, added up.
    pub total: f64,
    /// What each gave it, in the order of the configuration.
    pub scores: Vec<Score>,
}

/// Decides as [`place`](super::place()) does, and says how.
#[must_use]
pub fn explain(pools: &[PoolView], request: &Request, policy: &Policy) -> Explanation {
    let ask = Ask::new(request, policy);
    let fitting: Vec<_> = pools.iter().filter(|pool| Filter::first_missed(pool, &ask).is_none()).collect();
    let scored = weighers::ranked(&fitting, &ask)
        .into_iter()
        .map(|(pool, total, scores)| Scored { pool: pool.placement(), total, scores })
        .collect();
    Explanation { fitting: scored, fallen: NoFit::among(pools, &ask).fallen }
}

impl Explanation {
    /// The pool that would be chosen.
    #[must_use]
    pub fn chosen(&self) -> Option<&Placement> {
        self.fitting.first().map(|scored| &scored.pool)
    }
}

#[cfg(test)]
mod tests {
    use super::explain;
    use crate::scheduler::{filters::Filter, fixture, place, policy::Policy, request::Request};

    #[test]
    fn every_pool_is_accounted_for() {
        let mut full = fixture::thick("full");
        full.provisioned = fixture::gib(100);
        let mut used = fixture::thick("used");
        used.provisioned = fixture::gib(50);
        let pools = [full, used, fixture::thick("empty")];
        let (request, policy) = (Request { size: fixture::gib(1), ..Request::default() }, Policy::default());
        let said = explain(&pools, &request, &policy);
        assert_eq!(said.chosen(), place(&pools, &request, &policy).ok().as_ref());
        let fitting: Vec<_> = said.fitting.iter().map(|one| (one.pool.to_string(), one.total)).collect();
        assert_eq!(fitting, [("fast#empty".to_owned(), 1.0), ("fast#used".to_owned(), 0.0)]);
        assert_eq!(said.fitting[1].scores[0].raw, Some(50.0));
        let fallen: Vec<_> = said.fallen.iter().map(|one| (one.pool.to_string(), one.filter)).collect();
        assert_eq!(fallen, [("fast#full".to_owned(), Filter::Capacity)]);
    }
}
