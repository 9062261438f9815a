//! The operator's rules.

use std::time::Duration;

use super::{
    filters::Filter,
    weighers::{Weigher, Weighing},
};

/// By which rules volumes are placed.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// A report older than this says nothing about the pool, and the pool is left out.
    pub stale_after: Duration,
    /// The filters, each once and in the order in which they are applied.
    pub(super) filters: Vec<Filter>,
    /// The weighers, each with its multiplier.
    pub(super) weighers: Vec<Weighing>,
}

impl Policy {
    /// These filters besides those that always apply, and these weighers.
    ///
    /// The order of `filters` does not matter: a pool that falls at one has fallen. They are applied cheapest first.
    #[must_use]
    pub fn new(stale_after: Duration, filters: &[Filter], weighers: Vec<Weighing>) -> Self {
        let mut all = Filter::ALWAYS.to_vec();
        all.extend(filters);
        all.sort_unstable();
        all.dedup();
        Self { stale_after, filters: all, weighers }
    }

    /// Whether a filter is applied.
    #[must_use]
    pub fn applies(&self, filter: Filter) -> bool {
        self.filters.contains(&filter)
    }
}

/// Cinder's filters and weigher. Three reports a minute apart may be lost before a pool is left out.
impl Default for Policy {
    fn default() -> Self {
        let weighing = Weighing { weigher: Weigher::Capacity, multiplier: 1.0 };
        Self::new(Duration::from_secs(180), &Filter::DEFAULT, vec![weighing])
    }
}
