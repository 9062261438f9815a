//! How much a pool can still take: the arithmetic, in one place, in whole bytes.
//!
//! With R = floor(total x reserved / 100), of the total that is never given out:
//!
//! | | thick | thin |
//! |---|---|---|
//! | logical | total - R - provisioned | (total - R) x ratio - provisioned |
//! | physical | free - promised - R | (free - R) x ratio - promised |
//! | metadata | no limit | nothing, if less than [`THIN_METADATA_FLOOR`] percent is known to be free |
//!
//! The room left is the least of the three; each ends at zero.
//!
//! Decisions:
//!
//! - **Thin physical headroom is multiplied by the ratio.** It must be 0 once only the reserve is left, for every byte
//!   promised then is one that cannot be written; Cinder checks the logical limit only and fills a full disk. Free
//!   bytes alone would be too little: a thin volume larger than they are is what thin pools are for. The ratio is
//!   what the operator deems safe between promises and bytes, so it also binds new promises to the bytes that are
//!   still free. `promised` is taken off, so that all placements between two reports share one headroom.
//! - **The ratio counts to six decimals**, to the nearest, and the product is rounded down to a whole byte. An operator
//!   writes 1.15; the nearest binary fraction is less, and would deny the last GiB of 23 in a pool of 20. Below 1, or
//!   not a number, it counts as 1: a promise may always be covered by the bytes there are.
//! - **Unknown and infinite are not numbers.** An infinite total sets no logical limit, an infinite free no physical
//!   one. An unknown limit refuses nothing, but the known ones still bind; the room as a whole is then unknown.
//! - **Where the total is no number, the free bytes stand for it in R.** The total is at least as much, so this is the
//!   part of the reserve that is certain. Cinder refuses such a pool whenever a reserve is set.

use super::pool::PoolView;
use crate::{
    stats::{Capacity, PoolStats, Provisioning},
    units::ByteCount,
};

/// Percent of a thin pool's metadata that must be free for another volume.
///
/// A thin pool whose metadata runs out turns read-only and may need repair, with all its volumes. Metadata is
/// taken by writes too, hence a margin and not zero.
pub const THIN_METADATA_FLOOR: u8 = 5;

/// What a pool can still take, limit by limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// What may still be promised.
    pub logical: Capacity,
    /// What the free bytes allow.
    pub physical: Capacity,
    /// What the thin metadata allows: zero or [`Capacity::Infinite`].
    pub metadata: Capacity,
}

/// A pool has too little room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Shortage {
    /// The pool would promise more than it may.
    #[error("{} left to promise", wanted_and_left(*wanted, *left))]
    Logical {
        /// What was asked.
        wanted: ByteCount,
        /// What is left.
        left: ByteCount,
    },
    /// The free bytes do not allow it.
    #[error("{} left by its free space", wanted_and_left(*wanted, *left))]
    Physical {
        /// What was asked.
        wanted: ByteCount,
        /// What is left.
        left: ByteCount,
    },
    /// The thin pool's metadata is nearly full.
    #[error("its thin metadata is nearly full: less than {THIN_METADATA_FLOOR} % is free, make it larger")]
    Metadata,
}

/// The room of a pool.
///
/// For a placement, for `get_pools`, and for extend, which asks room for the bytes that are added.
#[must_use]
pub fn room(pool: &PoolView) -> Room {
    let stats = &pool.stats;
    let reserved = reserve(stats);
    let over = |count: ByteCount| subscribed(count, stats.max_over_subscription_ratio);
    match stats.provisioning {
        Provisioning::Thick => Room {
            logical: change(stats.total, |total| total.saturating_sub(reserved).saturating_sub(pool.provisioned)),
            physical: change(stats.free, |free| free.saturating_sub(pool.promised).saturating_sub(reserved)),
            metadata: Capacity::Infinite,
        },
        Provisioning::Thin => Room {
            logical: change(stats.total, |total| over(total.saturating_sub(reserved)).saturating_sub(pool.provisioned)),
            physical: change(stats.free, |free| over(free.saturating_sub(reserved)).saturating_sub(pool.promised)),
            metadata: match stats.thin_metadata_free_percentage {
                Some(free) if free < THIN_METADATA_FLOOR => Capacity::Known(ByteCount::ZERO),
                _ => Capacity::Infinite,
            },
        },
    }
}

impl Room {
    /// The virtual room: the least of the limits.
    ///
    /// Zero if any limit is; otherwise unknown if any is.
    #[must_use]
    pub fn left(&self) -> Capacity {
        let limits = [self.logical, self.physical, self.metadata];
        match limits.iter().filter_map(|limit| limit.known()).min() {
            Some(ByteCount::ZERO) => Capacity::Known(ByteCount::ZERO),
            _ if limits.contains(&Capacity::Unknown) => Capacity::Unknown,
            Some(least) => Capacity::Known(least),
            None => Capacity::Infinite,
        }
    }

    /// Whether so many bytes fit; if not, by which limit.
    ///
    /// Nothing at all always fits. Metadata is looked at first, since more disk would not help.
    pub fn admit(&self, wanted: ByteCount) -> Result<(), Shortage> {
        let left = |limit: Capacity| limit.known().filter(|left| *left < wanted);
        if left(self.metadata).is_some() {
            return Err(Shortage::Metadata);
        }
        match (left(self.logical), left(self.physical)) {
            (None, None) => Ok(()),
            (Some(logical), Some(physical)) if physical < logical => Err(Shortage::Physical { wanted, left: physical }),
            (Some(left), _) => Err(Shortage::Logical { wanted, left }),
            (None, Some(left)) => Err(Shortage::Physical { wanted, left }),
        }
    }
}

fn change(capacity: Capacity, with: impl FnOnce(ByteCount) -> ByteCount) -> Capacity {
    match capacity {
        Capacity::Known(count) => Capacity::Known(with(count)),
        Capacity::Unknown => Capacity::Unknown,
        Capacity::Infinite => Capacity::Infinite,
    }
}

fn reserve(stats: &PoolStats) -> ByteCount {
    let Some(total) = stats.total.known().or(stats.free.known()) else {
        return ByteCount::ZERO;
    };
    let percent = u128::from(stats.reserved_percentage.min(100));
    saturated(u128::from(total.bytes()) * percent / 100)
}

/// `count x ratio`, rounded down.
fn subscribed(count: ByteCount, ratio: f64) -> ByteCount {
    const MILLION: u64 = 1_000_000;
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and takes what is not a number for zero")]
    let millionths = ((ratio * 1e6).round() as u64).max(MILLION);
    // 63 and 64 bits: the product fits.
    saturated(u128::from(count.bytes()) * u128::from(millionths) / u128::from(MILLION))
}

fn saturated(bytes: u128) -> ByteCount {
    u64::try_from(bytes).ok().and_then(|bytes| ByteCount::new(bytes).ok()).unwrap_or(ByteCount::MAX)
}

/// Both sizes for people; to the byte where two digits would show them alike.
fn wanted_and_left(wanted: ByteCount, left: ByteCount) -> String {
    let shown = format!("{wanted} wanted, {left}");
    if wanted.to_string() == left.to_string() {
        format!("{} B wanted, {} B", wanted.bytes(), left.bytes())
    } else {
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::{Shortage, room, subscribed};
    use crate::{
        scheduler::{
            fixture::{gib, thick, thin},
            pool::PoolView,
        },
        stats::Capacity,
        units::{ByteCount, GIB},
    };

    /// A pool of so many GiB (total, free), reserve in percent, then GiB provisioned and promised.
    fn with(mut pool: PoolView, sizes: (u64, u64), reserved: u8, provisioned: u64, promised: u64) -> PoolView {
        pool.stats.total = Capacity::Known(gib(sizes.0));
        pool.stats.free = Capacity::Known(gib(sizes.1));
        pool.stats.reserved_percentage = reserved;
        pool.provisioned = gib(provisioned);
        pool.promised = gib(promised);
        pool
    }

    fn check(pool: &PoolView, logical: u64, physical: u64) {
        let room = room(pool);
        assert_eq!((room.logical, room.physical), (Capacity::Known(gib(logical)), Capacity::Known(gib(physical))));
        assert_eq!(room.left(), Capacity::Known(gib(logical.min(physical))));
    }

    #[test]
    fn thick_room_keeps_the_reserve_in_both_limits() {
        check(&with(thick("a"), (100, 100), 0, 0, 0), 100, 100);
        check(&with(thick("a"), (100, 100), 10, 0, 0), 90, 90);
        check(&with(thick("a"), (100, 70), 10, 30, 0), 60, 60);
        check(&with(thick("a"), (100, 70), 10, 50, 20), 40, 40);
        check(&with(thick("a"), (100, 5), 10, 30, 0), 60, 0);
        check(&with(thick("a"), (100, 100), 100, 0, 0), 0, 0);
        check(&with(thick("a"), (100, 100), 255, 0, 0), 0, 0);
    }

    #[test]
    fn thick_room_does_not_follow_the_ratio() {
        let mut pool = with(thick("a"), (100, 100), 0, 0, 0);
        pool.stats.max_over_subscription_ratio = 20.0;
        check(&pool, 100, 100);
    }

    #[test]
    fn thin_room_follows_the_ratio_in_both_limits() {
        check(&with(thin("a", 1.0), (100, 100), 0, 0, 0), 100, 100);
        check(&with(thin("a", 2.0), (100, 100), 10, 60, 0), 120, 180);
        check(&with(thin("a", 2.0), (100, 40), 10, 60, 0), 120, 60);
        check(&with(thin("a", 2.0), (100, 40), 10, 60, 25), 120, 35);
        check(&with(thin("a", 2.0), (100, 100), 0, 500, 0), 0, 200);
    }

    #[test]
    fn a_full_disk_has_no_thin_room_at_any_ratio() {
        check(&with(thin("a", 1000.0), (100, 0), 0, 0, 0), 100_000, 0);
        check(&with(thin("a", 1000.0), (100, 10), 10, 0, 0), 90_000, 0);
    }

    #[test]
    fn the_reserve_is_rounded_down_to_a_byte() {
        let mut pool = thick("a");
        pool.stats.total = Capacity::Known(ByteCount::new(199).expect("small"));
        pool.stats.reserved_percentage = 1;
        assert_eq!(room(&pool).logical, Capacity::Known(ByteCount::new(198).expect("small")));
    }

    #[test]
    fn decimal_ratios_give_what_the_operator_reckons() {
        let times = |count, ratio| subscribed(ByteCount::new(count).expect("small"), ratio).bytes();
        assert_eq!([times(20 * GIB, 1.15), times(10, 1.1), times(3, 1.5)], [23 * GIB, 11, 4]);
        assert_eq!([times(10, 0.5), times(10, -3.0), times(10, f64::NAN)], [10, 10, 10]);
        let most = ByteCount::MAX.bytes();
        assert_eq!([times(most, 1.0), times(most, 1e300), times(1, f64::INFINITY)], [most, most, 18_446_744_073_709]);
        assert_eq!(times(most - 1, 1.0), most - 1);
    }

    fn check_kinds(pool: PoolView, total: Capacity, free: Capacity, left: Capacity) {
        let mut pool = pool;
        pool.stats.total = total;
        pool.stats.free = free;
        assert_eq!(room(&pool).left(), left, "{total:?} {free:?}");
    }

    #[test]
    fn infinite_is_no_limit_and_unknown_stays_unknown() {
        use Capacity::{Infinite, Known, Unknown};
        for pool in [thick("a"), thin("a", 1.0)] {
            check_kinds(pool.clone(), Infinite, Infinite, Infinite);
            check_kinds(pool.clone(), Infinite, Known(gib(5)), Known(gib(5)));
            check_kinds(pool.clone(), Known(gib(7)), Infinite, Known(gib(7)));
            check_kinds(pool.clone(), Unknown, Infinite, Unknown);
            check_kinds(pool.clone(), Known(gib(7)), Unknown, Unknown);
            check_kinds(pool, Unknown, Known(gib(0)), Known(gib(0)));
        }
    }

    #[test]
    fn a_known_limit_binds_beside_an_unknown_one() {
        let mut pool = thick("a");
        pool.stats.free = Capacity::Unknown;
        let (wanted, left) = (gib(101), gib(100));
        assert_eq!(room(&pool).admit(left), Ok(()));
        assert_eq!(room(&pool).admit(wanted), Err(Shortage::Logical { wanted, left }));
    }

    #[test]
    fn free_bytes_stand_for_an_unknown_total_in_the_reserve() {
        let mut pool = with(thick("a"), (0, 50), 10, 0, 0);
        pool.stats.total = Capacity::Unknown;
        assert_eq!(room(&pool).physical, Capacity::Known(gib(45)));
    }

    #[test]
    fn thin_metadata_counts_only_where_it_is_known_and_thin() {
        let left = |mut pool: PoolView, free| {
            pool.stats.thin_metadata_free_percentage = free;
            room(&pool).left()
        };
        let (some, none) = (Capacity::Known(gib(100)), Capacity::Known(ByteCount::ZERO));
        assert_eq!([left(thin("a", 1.0), None), left(thin("a", 1.0), Some(5))], [some, some]);
        assert_eq!([left(thin("a", 1.0), Some(4)), left(thin("a", 1.0), Some(0))], [none, none]);
        assert_eq!(left(thick("a"), Some(0)), some);
    }

    #[test]
    fn sizes_a_byte_apart_are_shown_apart() {
        let wanted = ByteCount::new(GIB + 1).expect("small");
        let shown = Shortage::Logical { wanted, left: gib(1) }.to_string();
        assert_eq!(shown, "1073741825 B wanted, 1073741824 B left to promise");
    }
}
