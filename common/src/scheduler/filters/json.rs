//! Json: the pools of which the hint `query` holds.

use crate::scheduler::{ask::Ask, pool::PoolView, why::Why};

pub(super) fn passes(pool: &PoolView, ask: &Ask<'_>, why: &mut Why) -> bool {
    match &ask.request.affinity.query {
        Some(query) if !query.holds(pool) => why.because(format_args!("the hint query does not hold of it")),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use crate::scheduler::{affinity::Affinity, filters::Filter, fixture, query::Query, request::Request};

    fn check(query: Option<&str>, falls: bool) {
        let query = query.map(|text| Query::read(text).expect("a query"));
        let request = Request { affinity: Affinity { query, ..Affinity::default() }, ..Request::default() };
        let said = fixture::reason(Filter::Json, &fixture::thick("a"), &request);
        assert_eq!(said.is_some(), falls, "{said:?}");
    }

    #[test]
    fn the_pools_of_which_the_query_holds() {
        check(None, false);
        check(Some("[]"), false);
        check(Some(r#"["=", "$backend_id", "ashlar@fast#a"]"#), false);
        check(Some(r#"["=", "$backend_id", "rbd:vol@ceph#cloud"]"#), true);
    }
}
