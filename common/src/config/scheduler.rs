//! `[scheduler]`: by which rules volumes are placed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::scheduler::{Filter, Policy, Weigher, Weighing};

/// `[scheduler]`. Names and defaults are Cinder's; docs/scheduling.md says what each does.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scheduler {
    /// A pool whose report is older is left out.
    pub stale_after_seconds: u64,
    /// Which filters a pool must pass.
    #[serde(alias = "scheduler_default_filters")]
    pub filters: Vec<Filter>,
    /// Which weighers pick one of the pools that pass.
    #[serde(alias = "scheduler_default_weighers")]
    pub weighers: Vec<Weigher>,
    /// Of CapacityWeigher: positive spreads, negative fills.
    pub capacity_weight_multiplier: f64,
    /// Of AllocatedCapacityWeigher: negative spreads, positive fills.
    pub allocated_capacity_weight_multiplier: f64,
    /// Of VolumeNumberWeigher: negative spreads, positive fills.
    pub volume_number_multiplier: f64,
    /// Of GoodnessWeigher. Cinder has no such key and counts it once.
    pub goodness_weight_multiplier: f64,
}

impl Default for Scheduler {
    fn default() -> Self {
        Self {
            stale_after_seconds: 60,
            filters: Filter::DEFAULT.to_vec(),
            weighers: Weigher::DEFAULT.to_vec(),
            capacity_weight_multiplier: 1.0,
            allocated_capacity_weight_multiplier: -1.0,
            volume_number_multiplier: -1.0,
            goodness_weight_multiplier: 1.0,
        }
    }
}

impl Scheduler {
    /// The rules.
    pub(super) fn policy(&self) -> Policy {
        let weighing = |weigher: &Weigher| Weighing { weigher: *weigher, multiplier: self.multiplier(*weigher) };
        let weighers = self.weighers.iter().map(weighing).collect();
        Policy::new(Duration::from_secs(self.stale_after_seconds), &self.filters, weighers)
    }

    fn multiplier(&self, weigher: Weigher) -> f64 {
        match weigher {
            Weigher::Capacity => self.capacity_weight_multiplier,
            Weigher::AllocatedCapacity => self.allocated_capacity_weight_multiplier,
            Weigher::VolumeNumber => self.volume_number_multiplier,
            Weigher::Goodness => self.goodness_weight_multiplier,
            Weigher::Chance => 1.0,
        }
    }

    /// The first key whose value makes no sense, and what would be right.
    pub(super) fn complaint(&self) -> Option<(String, String)> {
        let multipliers = [
            ("capacity_weight_multiplier", self.capacity_weight_multiplier),
            ("allocated_capacity_weight_multiplier", self.allocated_capacity_weight_multiplier),
            ("volume_number_multiplier", self.volume_number_multiplier),
            ("goodness_weight_multiplier", self.goodness_weight_multiplier),
        ];
        if let Some((key, value)) = multipliers.into_iter().find(|(_, value)| !(-1e9..=1e9).contains(value)) {
            let why = format!("is {value}, but must be a number from -1e9 to 1e9");
            return Some((format!("scheduler.{key}"), why));
        }
        let twice = self.weighers.iter().enumerate().find(|(at, weigher)| self.weighers[..*at].contains(weigher));
        twice.map(|(_, weigher)| {
            let why = format!("name {weigher} twice: give it a greater multiplier instead");
            ("scheduler.weighers".to_owned(), why)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Scheduler;
    use crate::scheduler::Filter;

    fn read(text: &str) -> Result<Scheduler, String> {
        let section: Scheduler = toml::from_str(text).map_err(|error| error.to_string())?;
        section.complaint().map_or(Ok(section), |(key, why)| Err(format!("{key} {why}")))
    }

    #[test]
    fn nothing_said_is_cinders_default() {
        let section = read("").expect("good");
        let mut expected = crate::scheduler::Policy::default();
        expected.stale_after = std::time::Duration::from_secs(60);
        assert_eq!(section.policy(), expected);
    }

    #[test]
    fn lists_are_taken_under_cinders_names_too() {
        let section = read(
            "scheduler_default_filters = ['JsonFilter', 'RetryFilter']\n\
             scheduler_default_weighers = ['ChanceWeigher']\ncapacity_weight_multiplier = -1\n",
        )
        .expect("good");
        let policy = section.policy();
        assert!(policy.applies(Filter::Json) && policy.applies(Filter::IgnoreAttemptedHosts));
        assert!(!policy.applies(Filter::Capacity) && policy.applies(Filter::FreshReport));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let refused = |text: &str| read(text).expect_err(text);
        assert!(refused("filters = ['Capacity']").contains("AvailabilityZoneFilter, CapacityFilter"));
        assert!(refused("weighers = ['Capacity']").contains("AllocatedCapacityWeigher"));
        assert!(refused("volume_number_multiplier = nan").contains("scheduler.volume_number_multiplier is NaN"));
        assert!(refused("weighers = ['ChanceWeigher', 'ChanceWeigher']").contains("twice"));
    }
}
