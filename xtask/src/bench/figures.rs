//! Figures, and what they are held against.

use std::time::Duration;

use serde::Serialize;

use super::{aims::Goal, client::histogram::Histogram, machine::Machine, store::Engine};

/// All that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// How the programs were built.
    pub profile: Profile,
    /// What does not depend on the store.
    pub machine_figures: Vec<Figure>,
    /// What does.
    pub stores: Vec<StoreFigures>,
}

/// What was measured over one store.
#[derive(Debug, Serialize)]
pub struct StoreFigures {
    /// Which.
    pub store: Engine,
    /// What.
    pub figures: Vec<Figure>,
}

/// How programs were built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Optimised.
    Release,
    /// As for tests.
    Dev,
    /// By somebody else.
    Given,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    /// What was measured.
    pub name: String,
    /// How much it was, in `unit`.
    pub value: f64,
    /// Of all values here.
    pub unit: Unit,
    /// What it should be, and what Cinder has.
    #[serde(flatten)]
    pub goal: Goal,
    /// Whether it is what it should be; nothing where nothing is asked.
    pub met: Option<bool>,
    /// The least that this machine could do.
    pub floor: Option<Floor>,
}

/// The same work without the service.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Floor {
    /// What it is.
    pub name: String,
    /// In the figure's unit.
    pub value: f64,
}

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Less is better.
    Milliseconds,
    /// Less is better.
    Seconds,
    /// More is better.
    PerSecond,
    /// Millions of bytes; less is better.
    Megabytes,
    /// How memory grows; less is better.
    KibibytesPerMinute,
}

impl Figure {
    /// A figure that nothing is asked of.
    #[must_use]
    pub fn new(name: impl Into<String>, value: f64, unit: Unit) -> Self {
        Self { name: name.into(), value, unit, goal: Goal::NONE, met: None, floor: None }
    }

    /// A time, in milliseconds.
    #[must_use]
    pub fn time(name: impl Into<String>, value: Duration) -> Self {
        Self::new(name, milliseconds(value), Unit::Milliseconds)
    }

    /// A time, in seconds.
    #[must_use]
    pub fn seconds(name: impl Into<String>, value: Duration) -> Self {
        Self::new(name, value.as_secs_f64(), Unit::Seconds)
    }

    /// A rate.
    #[must_use]
    pub fn rate(name: impl Into<String>, value: f64) -> Self {
        Self::new(name, value, Unit::PerSecond)
    }

    /// A number of bytes.
    #[must_use]
    pub fn size(name: impl Into<String>, bytes: u64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "it is shown with a decimal or two")]
        let value = bytes as f64 / 1e6;
        Self::new(name, value, Unit::Megabytes)
    }

    /// The median, the 95th and the 99th percentile of times; the goal is the median's.
    #[must_use]
    pub fn percentiles(name: &str, times: &Histogram, goal: Goal) -> [Self; 3] {
        let at = |percent| Self::time(format!("{name}, p{percent}"), times.percentile(percent));
        [at(50).toward(goal), at(95), at(99)]
    }

    /// With what it should be.
    #[must_use]
    pub fn toward(self, goal: Goal) -> Self {
        let met = goal.aim.map(|aim| match self.unit {
            Unit::PerSecond => self.value > aim,
            Unit::Milliseconds | Unit::Seconds | Unit::Megabytes | Unit::KibibytesPerMinute => self.value < aim,
        });
        Self { goal, met, ..self }
    }

    /// With the time that the machine takes at least.
    #[must_use]
    pub fn over(self, name: impl Into<String>, least: Duration) -> Self {
        let value = if self.unit == Unit::Seconds { least.as_secs_f64() } else { milliseconds(least) };
        Self { floor: Some(Floor { name: name.into(), value }), ..self }
    }

    /// With the rate that the machine reaches at most.
    #[must_use]
    pub fn under(self, name: impl Into<String>, most: f64) -> Self {
        Self { floor: Some(Floor { name: name.into(), value: most }), ..self }
    }
}

impl Report {
    /// Every figure that misses its aim.
    pub fn missed(&self) -> impl Iterator<Item = &Figure> {
        let stores = self.stores.iter().flat_map(|store| &store.figures);
        self.machine_figures.iter().chain(stores).filter(|figure| figure.met == Some(false))
    }
}

/// So many each second.
#[must_use]
pub fn rate(count: u64, elapsed: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let count = count as f64;
    count / elapsed.as_secs_f64()
}

fn milliseconds(value: Duration) -> f64 {
    value.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Figure, Goal};

    #[test]
    fn times_are_to_be_short_and_rates_high() {
        let goal = Goal { aim: Some(15.0), cinder: None };
        let time = |millis| Figure::time("t", Duration::from_millis(millis)).toward(goal).met;
        let rate = |value| Figure::rate("r", value).toward(goal).met;
        assert_eq!((time(14), time(15), time(16)), (Some(true), Some(false), Some(false)));
        assert_eq!((rate(14.0), rate(16.0)), (Some(false), Some(true)));
        assert_eq!(Figure::rate("r", 1.0).met, None);
    }
}
