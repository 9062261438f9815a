//! Capabilities: the extra specs of the volume type against what the pool says of itself.
//!
//! As in Cinder, a key without a scope and one scoped `capabilities:` are compared, and a key with any other scope
//! (`provisioning:type`, `vendor:qos`) is for somebody else. A key that names no capability fails the pool: a
//! misspelt key must not give a volume that lacks what was asked.

use super::{fact::Fact, pool::PoolView, request::Request, requirement::Requirement};

/// Characters of an extra spec that a reason repeats at most.
const SHOWN: usize = 60;

pub(super) fn check(pool: &PoolView, request: &Request) -> Result<(), String> {
    if request.multi_attach && !pool.capabilities.multi_attach {
        return Err("it cannot attach one volume to several clients".to_owned());
    }
    request.extra_specs.iter().try_for_each(|(key, requirement)| match compared(key) {
        Some(name) => check_one(pool, name, requirement),
        None => Ok(()),
    })
}

/// The capability a key names; `None` for a key that is not the scheduler's.
fn compared(key: &str) -> Option<&str> {
    match key.split_once(':') {
        Some(("capabilities", name)) => Some(name),
        Some(_) => None,
        None => Some(key),
    }
}

fn check_one(pool: &PoolView, name: &str, requirement: &str) -> Result<(), String> {
    let Some(fact) = Fact::of(pool, name) else {
        return Err(format!("the extra spec {:?} is no capability it reports", clipped(name)));
    };
    let parsed: Requirement = requirement.parse().map_err(|malformed| {
        format!("the extra spec {name} has the malformed requirement {:?}: {malformed}", clipped(requirement))
    })?;
    if parsed.holds(&fact) {
        return Ok(());
    }
    Err(format!("its {name} is {:?}, and {:?} is required", clipped(&fact.to_string()), clipped(requirement)))
}

fn clipped(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::check as filter;
    use crate::scheduler::{fixture, request::Request};

    fn reason(key: &str, requirement: &str) -> Option<String> {
        let extra_specs = [(key.to_owned(), requirement.to_owned())].into();
        filter(&fixture::thick("a"), &Request { extra_specs, ..Request::default() }).err()
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
        assert!(filter(&pool, &request).is_ok());
        pool.capabilities.multi_attach = false;
        assert!(filter(&pool, &request).is_err());
    }

    #[test]
    fn long_values_are_clipped_between_characters() {
        let said = reason("vendor_name", &"é".repeat(10_000)).expect("no such vendor");
        assert!(said.len() < 300, "{said}");
    }
}
