//! SameBackend: on a pool where one of the volumes of the hint `same_host` is.

use crate::scheduler::{affinity::among, ask::Ask, pool::PoolView, why::Why};

pub(super) fn passes(pool: &PoolView, ask: &Ask<'_>, why: &mut Why) -> bool {
    match &ask.request.affinity.same {
        Some(places) if !among(pool, places) => {
            why.because(format_args!("none of the volumes named by same_host is on it"))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use crate::scheduler::{affinity::Affinity, filters::Filter, fixture, request::Request};

    fn check(same: Option<&[&str]>, falls: bool) {
        let same = same.map(|pools| pools.iter().map(|pool| fixture::place(pool)).collect());
        let request = Request { affinity: Affinity { same, ..Affinity::default() }, ..Request::default() };
        let said = fixture::reason(Filter::SameBackend, &fixture::thick("a"), &request);
        assert_eq!(said.is_some(), falls, "{said:?}");
    }

    #[test]
    fn one_of_the_volumes_suffices() {
        check(None, false);
        check(Some(&["a"]), false);
        check(Some(&["b", "a"]), false);
        check(Some(&["b"]), true);
        check(Some(&[]), true);
    }
}
