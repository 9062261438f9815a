//! IgnoreAttemptedHosts, once named RetryFilter: a volume is not tried twice on one pool.

use crate::scheduler::{affinity::among, ask::Ask, pool::PoolView, why::Why};

pub(super) fn passes(pool: &PoolView, ask: &Ask<'_>, why: &mut Why) -> bool {
    !among(pool, &ask.request.attempted) || why.because(format_args!("the volume was tried here before"))
}

#[cfg(test)]
mod tests {
    use crate::scheduler::{filters::Filter, fixture, request::Request};

    fn check(attempted: &[&str], falls: bool) {
        let attempted = attempted.iter().map(|pool| fixture::place(pool)).collect();
        let request = Request { attempted, ..Request::default() };
        let said = fixture::reason(Filter::IgnoreAttemptedHosts, &fixture::thick("a"), &request);
        assert_eq!(said.is_some(), falls, "{said:?}");
    }

    #[test]
    fn a_pool_is_tried_once() {
        check(&[], false);
        check(&["b"], false);
        check(&["a"], true);
        check(&["b", "a"], true);
    }
}
