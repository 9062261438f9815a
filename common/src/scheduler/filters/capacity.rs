//! Capacity: the volume must fit in the room that is left.

use crate::scheduler::{ask::Ask, pool::PoolView, room::room, why::Why};

pub(super) fn passes(pool: &PoolView, ask: &Ask<'_>, why: &mut Why) -> bool {
    match room(pool).admit(ask.request.size) {
        Ok(()) => true,
        Err(shortage) => why.because(format_args!("{shortage}")),
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        scheduler::{filters::Filter, fixture, pool::PoolView, request::Request},
        stats::Capacity,
    };

    fn check(pool: &PoolView, gib: u64, reason: Option<&str>) {
        let request = Request { size: fixture::gib(gib), ..Request::default() };
        assert_eq!(fixture::reason(Filter::Capacity, pool, &request).as_deref(), reason);
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
