//! AvailabilityZone: the volume goes where it is asked to be.

use super::{pool::PoolView, request::Request};

pub(super) fn check(pool: &PoolView, request: &Request) -> Result<(), String> {
    match &request.availability_zone {
        Some(zone) if *zone != pool.availability_zone => {
            Err(format!("it is in zone {:?}, and {zone:?} is asked", pool.availability_zone))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::check as filter;
    use crate::scheduler::{fixture, request::Request};

    fn check(asked: Option<&str>, passes: bool) {
        let request = Request { availability_zone: asked.map(str::to_owned), ..Request::default() };
        assert_eq!(filter(&fixture::thick("a"), &request).is_ok(), passes, "{asked:?}");
    }

    #[test]
    fn the_zone_asked_for_and_no_other() {
        check(None, true);
        check(Some("nova"), true);
        check(Some("Nova"), false);
        check(Some(""), false);
        check(Some("nova2"), false);
    }
}
