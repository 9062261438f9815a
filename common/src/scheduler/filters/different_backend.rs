//! DifferentBackend: on no pool where one of the volumes of the hint `different_host` is.

use crate::scheduler::{affinity::among, ask::Ask, pool::PoolView, why::Why};

pub(super) fn passes(pool: &PoolView, ask: &Ask<'_>, why: &mut Why) -> bool {
    match &ask.request.affinity.different {
        Some(places) if among(pool, places) => {
            why.because(format_args!("one of the volumes named by different_host is on it"))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use crate::scheduler::{affinity::Affinity, filters::Filter, fixture, request::Request};

    fn check(different: Option<&[&str]>, falls: bool) {
        let different = different.map(|pools| pools.iter().map(|pool| fixture::place(pool)).collect());
        let request = Request { affinity: Affinity { different, ..Affinity::default() }, ..Request::default() };
        let said = fixture::reason(Filter::DifferentBackend, &fixture::thick("a"), &request);
        assert_eq!(said.is_some(), falls, "{said:?}");
    }

    #[test]
    fn none_of_the_volumes_may_be_there() {
        check(None, false);
        check(Some(&[]), false);
        check(Some(&["b"]), false);
        check(Some(&["a"]), true);
        check(Some(&["b", "a"]), true);
    }
}
