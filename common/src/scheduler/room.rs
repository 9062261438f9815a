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
    let shown = [wanted, left].map(|count| count.to_string());
    if shown[0] == shown[1] {
        return format!("{} B wanted, {} B", wanted.bytes(), left.bytes());
    }
    format!("{} wanted, {}", shown[0], shown[1])
}

#[cfg(test)]
mod tests;
