//! InstanceLocality: on storage of the machine where the instance of the hint `local_to_instance` runs.

use crate::scheduler::{ask::Ask, pool::PoolView, why::Why};

pub(super) fn passes(pool: &PoolView, ask: &Ask<'_>, why: &mut Why) -> bool {
    match &ask.request.affinity.machines {
        Some(machines) if !machines.contains(&pool.machine) => {
            why.because(format_args!("it is served from {:?}, where the instance does not run", pool.machine))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use crate::scheduler::{affinity::Affinity, filters::Filter, fixture, request::Request};

    fn check(machines: Option<&[&str]>, reason: Option<&str>) {
        let machines = machines.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        let request = Request { affinity: Affinity { machines, ..Affinity::default() }, ..Request::default() };
        let said = fixture::reason(Filter::InstanceLocality, &fixture::thick("a"), &request);
        assert_eq!(said.as_deref(), reason);
    }

    #[test]
    fn only_storage_beside_the_instance_is_left() {
        check(None, None);
        check(Some(&["node-1"]), None);
        check(Some(&["node-2", "node-1"]), None);
        check(Some(&["node-2"]), Some(r#"it is served from "node-1", where the instance does not run"#));
    }
}
