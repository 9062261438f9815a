//! A copy stays on the pool of its source: no driver copies between pools.

use crate::scheduler::{ask::Ask, pool::PoolView, why::Why};

pub(super) fn passes(pool: &PoolView, ask: &Ask<'_>, why: &mut Why) -> bool {
    match &ask.request.only {
        Some((backend, name)) if *name != pool.stats.name || *backend != pool.backend => {
            why.because(format_args!("the copy must stay with its source on {backend}#{name}"))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use crate::scheduler::{filters::Filter, fixture, request::Request};

    #[test]
    fn only_the_pool_of_the_source_is_left() {
        let only = |backend: &str, pool: &str| Request {
            only: Some((backend.parse().expect("a name"), pool.parse().expect("a name"))),
            ..Request::default()
        };
        let falls = |request: &Request| fixture::reason(Filter::SourcePool, &fixture::thick("a"), request).is_some();
        assert!(!falls(&Request::default()));
        assert!(!falls(&only("fast", "a")));
        assert!(falls(&only("fast", "b")));
        assert!(falls(&only("slow", "a")));
    }
}
