//! Sizes. Bytes inside; GiB only where the Block Storage API speaks of them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Bytes in a GiB, the unit of every size in the Block Storage API.
pub const GIB: u64 = 1 << 30;

/// A number of bytes.
///
/// At most `i64::MAX`, so that every store and every file system can hold it; the constructors refuse more.
///
/// ```
/// # use ashlar_common::units::ByteCount;
/// let size = ByteCount::from_gib(2)?;
/// assert_eq!((size.bytes(), size.gib_ceil(), size.to_string().as_str()), (2 << 30, 2, "2.00 GiB"));
/// assert!(ByteCount::new(u64::MAX).is_err());
/// # Ok::<(), ashlar_common::units::TooLarge>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct ByteCount(u64);

/// A size above `i64::MAX` bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is larger than any volume can be (at most 8589934591 GiB)")]
pub struct TooLarge(u64);

impl ByteCount {
    /// No bytes.
    pub const ZERO: Self = Self(0);
    /// The largest size that can be named.
    pub const MAX: Self = Self(i64::MAX as u64);

    /// That many bytes.
    pub const fn new(bytes: u64) -> Result<Self, TooLarge> {
        if bytes > Self::MAX.0 {
            return Err(TooLarge(bytes));
        }
        Ok(Self(bytes))
    }

    /// That many GiB.
    pub const fn from_gib(gib: u64) -> Result<Self, TooLarge> {
        match gib.checked_mul(GIB) {
            Some(bytes) => Self::new(bytes),
            None => Err(TooLarge(gib)),
        }
    }

    /// As a plain number.
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// As the signed number that stores and `off_t` use; never negative.
    pub const fn as_i64(self) -> i64 {
        self.0.cast_signed()
    }

    /// Whole GiB that hold this size: a volume of 1.5 GiB is reported as 2.
    pub const fn gib_ceil(self) -> u64 {
        self.0.div_ceil(GIB)
    }

    /// GiB as a fraction, for capacities.
    #[expect(clippy::cast_precision_loss, reason = "capacities are shown to two digits")]
    pub fn gib_f64(self) -> f64 {
        self.0 as f64 / GIB as f64
    }

    /// Sum, ending at [`ByteCount::MAX`].
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        let sum = self.0.saturating_add(other.0);
        if sum > Self::MAX.0 { Self::MAX } else { Self(sum) }
    }

    /// Difference, ending at zero.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl TryFrom<u64> for ByteCount {
    type Error = TooLarge;
    fn try_from(bytes: u64) -> Result<Self, TooLarge> {
        Self::new(bytes)
    }
}

impl From<ByteCount> for u64 {
    fn from(count: ByteCount) -> Self {
        count.0
    }
}

impl std::iter::Sum for ByteCount {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Self::saturating_add)
    }
}

/// `1.50 GiB`, `12.00 MiB`, `512 B`: for people.
impl fmt::Display for ByteCount {
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const STEPS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", GIB), ("MiB", 1 << 20), ("KiB", 1 << 10)];
        for (unit, bytes) in STEPS {
            if self.0 >= bytes {
                return write!(f, "{:.2} {unit}", self.0 as f64 / bytes as f64);
            }
        }
        write!(f, "{} B", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{ByteCount, GIB};

    #[test]
    fn sizes_beyond_a_signed_word_are_refused() {
        assert!(ByteCount::new(i64::MAX as u64).is_ok());
        assert!(ByteCount::new(i64::MAX as u64 + 1).is_err());
        assert!(ByteCount::from_gib(u64::MAX / 2).is_err());
    }

    #[test]
    fn a_started_gib_counts_as_one() {
        let size = ByteCount::new(GIB + 1).expect("small");
        assert_eq!(size.gib_ceil(), 2);
    }

    #[test]
    fn people_see_two_digits_and_a_unit() {
        let shown = |bytes| ByteCount::new(bytes).expect("small").to_string();
        assert_eq!([shown(0), shown(1536), shown(3 * GIB / 2)], ["0 B", "1.50 KiB", "1.50 GiB"]);
    }
}
