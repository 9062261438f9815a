//! The weighers by name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{allocated_capacity, capacity, chance, goodness, volume_number};
use crate::scheduler::{ask::Ask, pool::PoolView};

/// A weigher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Weigher {
    /// Cinder's CapacityWeigher: room that is left.
    Capacity,
    /// Cinder's AllocatedCapacityWeigher: what volumes take.
    AllocatedCapacity,
    /// Cinder's VolumeNumberWeigher: how many volumes there are.
    VolumeNumber,
    /// Cinder's GoodnessWeigher: the pool's `goodness_function`.
    Goodness,
    /// Cinder's ChanceWeigher.
    Chance,
}

/// A weigher and what its weights count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighing {
    /// The weigher.
    pub weigher: Weigher,
    /// Positive: the greatest weight is best. Negative: the least. Zero: it does not count.
    pub multiplier: f64,
}

/// A name that is no weigher's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no weigher {name:?}; there are {known}")]
pub struct UnknownWeigher {
    name: String,
    known: String,
}

/// What a weigher finds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Weight {
    /// So much; finite.
    Number(f64),
    /// More than any number.
    Limitless,
    /// Not known: the worst, whatever the multiplier.
    Unknown,
}

impl Weigher {
    /// Cinder's default.
    pub const DEFAULT: [Self; 1] = [Self::Capacity];

    const NAMES: [(&str, Self); 5] = [
        ("CapacityWeigher", Self::Capacity),
        ("AllocatedCapacityWeigher", Self::AllocatedCapacity),
        ("VolumeNumberWeigher", Self::VolumeNumber),
        ("GoodnessWeigher", Self::Goodness),
        ("ChanceWeigher", Self::Chance),
    ];

    /// The raw weight of a pool.
    pub(super) fn weight(self, pool: &PoolView, ask: &Ask<'_>) -> Weight {
        match self {
            Self::Capacity => capacity::weight(pool),
            Self::AllocatedCapacity => allocated_capacity::weight(pool),
            Self::VolumeNumber => volume_number::weight(pool),
            Self::Goodness => goodness::weight(pool, ask),
            Self::Chance => chance::weight(pool, ask),
        }
    }

    /// What people should know of a pool's weight besides its number.
    pub(super) fn note(self, pool: &PoolView, ask: &Ask<'_>) -> Option<String> {
        match self {
            Self::Goodness => goodness::goodness(pool, ask).err(),
            Self::Capacity | Self::AllocatedCapacity | Self::VolumeNumber | Self::Chance => None,
        }
    }

    /// Cinder's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Capacity => "CapacityWeigher",
            Self::AllocatedCapacity => "AllocatedCapacityWeigher",
            Self::VolumeNumber => "VolumeNumberWeigher",
            Self::Goodness => "GoodnessWeigher",
            Self::Chance => "ChanceWeigher",
        }
    }
}

impl FromStr for Weigher {
    type Err = UnknownWeigher;

    fn from_str(name: &str) -> Result<Self, UnknownWeigher> {
        let named = Self::NAMES.into_iter().find(|(known, _)| *known == name);
        named.map(|(_, weigher)| weigher).ok_or_else(|| UnknownWeigher {
            name: name.chars().take(60).collect(),
            known: Self::NAMES.map(|(name, _)| name).join(", "),
        })
    }
}

impl TryFrom<String> for Weigher {
    type Error = UnknownWeigher;

    fn try_from(name: String) -> Result<Self, UnknownWeigher> {
        name.parse()
    }
}

impl From<Weigher> for String {
    fn from(weigher: Weigher) -> Self {
        weigher.name().to_owned()
    }
}

impl fmt::Display for Weigher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Weigher;

    #[test]
    fn every_weigher_of_cinder_is_known_by_its_name() {
        for name in
            ["AllocatedCapacityWeigher", "CapacityWeigher", "ChanceWeigher", "GoodnessWeigher", "VolumeNumberWeigher"]
        {
            assert_eq!(name.parse::<Weigher>().expect(name).name(), name);
        }
        assert_eq!(Weigher::DEFAULT.map(Weigher::name), ["CapacityWeigher"]);
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let refused = "RoomWeigher".parse::<Weigher>().expect_err("no such").to_string();
        assert!(refused.contains("\"RoomWeigher\"") && refused.contains("GoodnessWeigher"), "{refused}");
    }
}
