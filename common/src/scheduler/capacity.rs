//! Capacity: the volume must fit in the room that is left.

use super::{pool::PoolView, request::Request, room::room};

pub(super) fn check(pool: &PoolView, request: &Request) -> Result<(), String> {
    room(pool).admit(request.size).map_err(|shortage| shortage.to_string())
}

#[cfg(test)]
mod tests {
    use super::check as filter;
    use crate::{
        scheduler::{fixture, pool::PoolView, request::Request},
        stats::Capacity,
    };

    fn check(pool: &PoolView, gib: u64, reason: Option<&str>) {
        let request = Request { size: fixture::gib(gib), ..Request::default() };
        assert_eq!(filter(pool, &request).err().as_deref(), reason);
    }

    #[test]
    fn the_reason_names_the_limit_that_was_met() {
        let thick = fixture::thick("a");
        check(&thick, 100, None);
        check(&thick, 101, Some("101.00 GiB wanted, 100.00 GiB left to promise"));
        let mut full = fixture::thin("a", 10.0);
        full.stats.free = Capacity::Known(fixture::gib(0));
        check(&full, 1, Some("1.00 GiB wanted, 0 B left by its free space"));
        full.stats.thin_metadata_free_percentage = Some(1);
        full.stats.free = Capacity::Unknown;
        check(&full, 1, Some("its thin metadata is nearly full: less than 5 % is free, make it larger"));
    }

    #[test]
    fn unknown_room_passes() {
        let mut pool = fixture::thick("a");
        pool.stats.total = Capacity::Unknown;
        pool.stats.free = Capacity::Unknown;
        check(&pool, 1_000_000, None);
    }
}
