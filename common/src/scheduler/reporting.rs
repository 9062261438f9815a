//! A pool must be served, and its report must be worth believing.
//!
//! Cinder never looks at the age of a report and so places on what was true hours ago.

use super::{pool::PoolView, request::Policy};

pub(super) fn check_up(pool: &PoolView) -> Result<(), String> {
    if pool.up { Ok(()) } else { Err("its driver host is down or disabled".to_owned()) }
}

pub(super) fn check_fresh(pool: &PoolView, policy: &Policy) -> Result<(), String> {
    if pool.age <= policy.stale_after {
        return Ok(());
    }
    let (age, limit) = (pool.age.as_secs(), policy.stale_after.as_secs());
    Err(format!("its last report is {age} s old, and the limit is {limit} s"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{check_fresh, check_up};
    use crate::scheduler::{fixture, request::Policy};

    #[test]
    fn a_pool_whose_host_is_down_falls() {
        let mut pool = fixture::thick("a");
        assert!(check_up(&pool).is_ok());
        pool.up = false;
        assert!(check_up(&pool).is_err());
    }

    #[test]
    fn a_report_at_the_limit_counts_and_an_older_one_does_not() {
        let policy = Policy::default();
        let mut pool = fixture::thick("a");
        pool.age = policy.stale_after;
        assert!(check_fresh(&pool, &policy).is_ok());
        pool.age += Duration::from_secs(1);
        assert_eq!(check_fresh(&pool, &policy), Err("its last report is 181 s old, and the limit is 180 s".to_owned()));
    }
}
