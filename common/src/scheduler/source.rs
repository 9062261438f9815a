//! A copy stays on the pool of its source: no driver copies between pools.

use super::{pool::PoolView, request::Request};

pub(super) fn check(pool: &PoolView, request: &Request) -> Result<(), String> {
    match &request.only {
        Some((backend, name)) if *backend != pool.backend || *name != pool.stats.name => {
            Err(format!("the copy must stay with its source on {backend}#{name}"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::scheduler::{fixture, request::Request};

    #[test]
    fn only_the_pool_of_the_source_is_left() {
        let only = |backend: &str, pool: &str| Request {
            only: Some((backend.parse().expect("a name"), pool.parse().expect("a name"))),
            ..Request::default()
        };
        let pool = fixture::thick("a");
        assert!(check(&pool, &Request::default()).is_ok());
        assert!(check(&pool, &only("fast", "a")).is_ok());
        assert!(check(&pool, &only("fast", "b")).is_err());
        assert!(check(&pool, &only("slow", "a")).is_err());
    }
}
