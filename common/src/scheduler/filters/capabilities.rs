//! Capabilities: the extra specs of the volume type against what the pool says of itself.
//!
//! As in Cinder, a key without a scope and one scoped `capabilities:` are compared, and a key with any other scope
//! (`provisioning:type`, `vendor:qos`) is for somebody else. A key that names no capability fails the pool: a
//! misspelt key must not give a volume that lacks what was asked.

use std::collections::BTreeMap;

use crate::scheduler::{
    ask::Ask,
    clipped::Clipped,
    fact::{Fact, FactName},
    pool::PoolView,
    requirement::{Malformed, Requirement},
    why::Why,
};

/// One extra spec, read once for all pools.
#[derive(Debug)]
pub(in crate::scheduler) struct Wanted<'a> {
    name: &'a str,
    text: &'a str,
    fact: Option<FactName>,
    requirement: Result<Requirement, Malformed>,
}

impl<'a> Wanted<'a> {
    /// Those that are the scheduler's.
    pub(in crate::scheduler) fn all(extra_specs: &'a BTreeMap<String, String>) -> Vec<Self> {
        let ours = extra_specs.iter().filter_map(|(key, text)| Some((compared(key)?, text)));
        ours.map(|(name, text)| Self { name, text, fact: FactName::find(name), requirement: text.parse() }).collect()
    }
}

pub(super) fn passes(pool: &PoolView, ask: &Ask<'_>, why: &mut Why) -> bool {
    if ask.request.multi_attach && !pool.capabilities.multi_attach {
        return why.because(format_args!("it cannot attach one volume to several clients"));
    }
    ask.wanted.iter().all(|wanted| has(pool, wanted, why))
}

/// The capability a key names; `None` for a key that is not the scheduler's.
fn compared(key: &str) -> Option<&str> {
    match key.split_once(':') {
        Some(("capabilities", name)) => Some(name),
        Some(_) => None,
        None => Some(key),
    }
}

fn has(pool: &PoolView, wanted: &Wanted<'_>, why: &mut Why) -> bool {
    let (name, text) = (wanted.name, Clipped(wanted.text));
    let Some(fact) = wanted.fact else {
        return why.because(format_args!("the extra spec {} is no capability it reports", Clipped(name)));
    };
    let fact = Fact::of(pool, fact);
    match &wanted.requirement {
        Ok(requirement) if requirement.holds(&fact) => true,
        Ok(_) => {
            let is = fact.to_string();
            why.because(format_args!("its {name} is {}, and {text} is required", Clipped(&is)))
        }
        Err(malformed) => {
            why.because(format_args!("the extra spec {name} has the malformed requirement {text}: {malformed}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::scheduler::{filters::Filter, fixture, request::Request};

    fn reason(key: &str, requirement: &str) -> Option<String> {
        let extra_specs = [(key.to_owned(), requirement.to_owned())].into();
        fixture::reason(Filter::Capabilities, &fixture::thick("a"), &Request { extra_specs, ..Request::default() })
    }

    fn check(key: &str, requirement: &str, expected: Option<&str>) {
        assert_eq!(reason(key, requirement).as_deref(), expected, "{key} {requirement}");
    }

    #[test]
    fn keys_without_scope_and_of_the_capabilities_scope_are_compared() {
        check("multiattach", "<is> True", None);
        check("capabilities:multiattach", "<is> True", None);
        let missed = Some(r#"its multiattach is "True", and "<is> False" is required"#);
        check("multiattach", "<is> False", missed);
        check("capabilities:multiattach", "<is> False", missed);
    }

    #[test]
    fn other_scopes_are_for_somebody_else() {
        check("provisioning:type", "thin", None);
        check("vendor:capabilities:multiattach", "<is> False", None);
        check(":x", "y", None);
    }

    #[test]
    fn an_unknown_capability_is_named() {
        check("multi_attach", "<is> True", Some(r#"the extra spec "multi_attach" is no capability it reports"#));
        check("capabilities:a:b", "x", Some(r#"the extra spec "a:b" is no capability it reports"#));
        check("capabilities:", "x", Some(r#"the extra spec "" is no capability it reports"#));
    }

    #[test]
    fn a_malformed_requirement_is_said() {
        check(
            "free_capacity_gb",
            ">= many",
            Some(r#"the extra spec free_capacity_gb has the malformed requirement ">= many": "many" is not a number"#),
        );
    }

    #[test]
    fn every_capability_can_be_asked_for() {
        let met = [
            ("volume_backend_name", "Gold Tier"),
            ("pool_name", "a"),
            ("vendor_name", "s== Ashlar"),
            ("driver_version", ">= 1.2"),
            ("storage_protocol", "<or> NFS <or> iSCSI"),
            ("availability_zone", "nova"),
            ("thin_provisioning_support", "<is> False"),
            ("thick_provisioning_support", "<is> True"),
            ("online_extend_support", "False"),
            ("total_capacity_gb", "== 100"),
            ("free_capacity_gb", ">= 99.5"),
            ("allocated_capacity_gb", "<= 0"),
            ("provisioned_capacity_gb", "0"),
            ("total_volumes", "<= 0"),
            ("QoS_support", "<is> False"),
            ("backend_id", "ashlar@fast#a"),
            ("reserved_percentage", "<= 10"),
            ("max_over_subscription_ratio", "<= 1"),
        ];
        for (key, requirement) in met {
            check(key, requirement, None);
        }
    }

    #[test]
    fn several_clients_need_a_driver_that_can() {
        let request = Request { multi_attach: true, ..Request::default() };
        let mut pool = fixture::thick("a");
        assert_eq!(fixture::reason(Filter::Capabilities, &pool, &request), None);
        pool.capabilities.multi_attach = false;
        assert!(fixture::reason(Filter::Capabilities, &pool, &request).is_some());
    }

    #[test]
    fn long_values_are_clipped_between_characters() {
        let said = reason("vendor_name", &"é".repeat(10_000)).expect("no such vendor");
        assert!(said.len() < 300, "{said}");
    }
}
