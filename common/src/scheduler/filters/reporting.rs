//! A pool must be served, and its report must be worth believing.
//!
//! Cinder never looks at the age of a report and so places on what was true hours ago.

use crate::scheduler::{ask::Ask, pool::PoolView, why::Why};

pub(super) fn is_up(pool: &PoolView, why: &mut Why) -> bool {
    pool.up || why.because(format_args!("its driver host is down or disabled"))
}

pub(super) fn is_fresh(pool: &PoolView, ask: &Ask<'_>, why: &mut Why) -> bool {
    let limit = ask.policy.stale_after;
    if pool.age <= limit {
        return true;
    }
    let (age, limit) = (pool.age.as_secs(), limit.as_secs());
    why.because(format_args!("its last report is {age} s old, and the limit is {limit} s"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::scheduler::{filters::Filter, fixture, policy::Policy, request::Request};

    #[test]
    fn a_pool_whose_host_is_down_falls() {
        let mut pool = fixture::thick("a");
        assert_eq!(fixture::reason(Filter::BackendUp, &pool, &Request::default()), None);
        pool.up = false;
        assert!(fixture::reason(Filter::BackendUp, &pool, &Request::default()).is_some());
    }

    #[test]
    fn a_report_at_the_limit_counts_and_an_older_one_does_not() {
        let mut pool = fixture::thick("a");
        pool.age = Policy::default().stale_after;
        assert_eq!(fixture::reason(Filter::FreshReport, &pool, &Request::default()), None);
        pool.age += Duration::from_secs(1);
        let said = fixture::reason(Filter::FreshReport, &pool, &Request::default());
        assert_eq!(said.as_deref(), Some("its last report is 181 s old, and the limit is 180 s"));
    }
}
