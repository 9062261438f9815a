//! AvailabilityZone: the volume goes where it is asked to be.

use crate::scheduler::{ask::Ask, pool::PoolView, why::Why};

pub(super) fn passes(pool: &PoolView, ask: &Ask<'_>, why: &mut Why) -> bool {
    match &ask.request.availability_zone {
        Some(zone) if *zone != pool.availability_zone => {
            why.because(format_args!("it is in zone {:?}, and {zone:?} is asked", pool.availability_zone))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use crate::scheduler::{filters::Filter, fixture, request::Request};

    fn check(asked: Option<&str>, reason: Option<&str>) {
        let request = Request { availability_zone: asked.map(str::to_owned), ..Request::default() };
        let said = fixture::reason(Filter::AvailabilityZone, &fixture::thick("a"), &request);
        assert_eq!(said.as_deref(), reason, "{asked:?}");
    }

    #[test]
    fn the_zone_asked_for_and_no_other() {
        check(None, None);
        check(Some("nova"), None);
        check(Some("Nova"), Some(r#"it is in zone "nova", and "Nova" is asked"#));
        check(Some(""), Some(r#"it is in zone "nova", and "" is asked"#));
    }
}
