//! Figures, and how they are shown.

use std::{fmt::Write, time::Duration};

use serde::Serialize;

use super::machine::Machine;

/// All that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Where.
    pub machine: Machine,
    /// How the programs were built.
    pub profile: Profile,
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
    /// Of the value and of the floor.
    pub unit: Unit,
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
    /// Milliseconds; less is better.
    Milliseconds,
    /// Each second; more is better.
    PerSecond,
    /// Mebibytes; less is better.
    Mebibytes,
}

impl Figure {
    /// A time.
    #[must_use]
    pub fn time(name: impl Into<String>, value: Duration) -> Self {
        Self { name: name.into(), value: milliseconds(value), unit: Unit::Milliseconds, floor: None }
    }

    /// A rate.
    #[must_use]
    pub fn rate(name: impl Into<String>, count: usize, elapsed: Duration) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let value = count as f64 / elapsed.as_secs_f64();
        Self { name: name.into(), value, unit: Unit::PerSecond, floor: None }
    }

    /// A number of bytes.
    #[must_use]
    pub fn size(name: impl Into<String>, bytes: u64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "it is shown with a decimal or two")]
        let value = bytes as f64 / f64::from(1_u32 << 20);
        Self { name: name.into(), value, unit: Unit::Mebibytes, floor: None }
    }

    /// With what the machine takes for a time at least.
    #[must_use]
    pub fn over(self, name: impl Into<String>, least: Duration) -> Self {
        Self { floor: Some(Floor { name: name.into(), value: milliseconds(least) }), ..self }
    }
}

fn milliseconds(value: Duration) -> f64 {
    value.as_secs_f64() * 1000.0
}

/// Times in order, to ask for a part of them.
#[derive(Clone, Debug)]
pub struct Times(Vec<Duration>);

impl Times {
    /// The times, in any order; at least one.
    #[must_use]
    pub fn new(mut times: Vec<Duration>) -> Self {
        assert!(!times.is_empty(), "something was measured");
        times.sort_unstable();
        Self(times)
    }

    /// Half of them are no longer than this.
    #[must_use]
    pub fn median(&self) -> Duration {
        self.percentile(50)
    }

    /// `percent` of them are no longer than this.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0[rank - 1]
    }
}

/// The report as a part of a Markdown document.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let profile = match report.profile {
        Profile::Release => "Optimised programs.",
        Profile::Dev => "Programs as the tests have them, hardly optimised.",
        Profile::Given => "Programs as they were given.",
    };
    let mut out = format!("{}\n{profile}\n\n", report.machine);
    out.push_str("| what | measured | the machine alone | ratio |\n|---|---:|---|---:|\n");
    for figure in &report.figures {
        let (floor, ratio) = match &figure.floor {
            Some(floor) => (
                format!("{}: {}", floor.name, shown(floor.value, figure.unit)),
                format!("{:.1}", figure.value / floor.value),
            ),
            None => (String::new(), String::new()),
        };
        let _ = writeln!(out, "| {} | {} | {floor} | {ratio} |", figure.name, shown(figure.value, figure.unit));
    }
    out
}

fn shown(value: f64, unit: Unit) -> String {
    let decimals = match value {
        value if value < 1.0 => 2,
        value if value < 100.0 => 1,
        _ => 0,
    };
    let unit = match unit {
        Unit::Milliseconds => "ms",
        Unit::PerSecond => "/s",
        Unit::Mebibytes => "MiB",
    };
    format!("{value:.decimals$} {unit}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Figure, Machine, Profile, Report, Times, markdown};

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let times = |count: u64| Times::new((1..=count).rev().map(Duration::from_millis).collect());
        let both = |count| (times(count).median().as_millis(), times(count).percentile(95).as_millis());
        assert_eq!(both(1), (1, 1));
        assert_eq!(both(4), (2, 4));
        assert_eq!(both(100), (50, 95));
    }

    #[test]
    fn ratios_stand_beside_what_they_are_of() {
        let report = Report {
            machine: Machine {
                processor: "Abacus 9".to_owned(),
                cores: 2,
                memory: 8 << 30,
                file_system: "ext4".to_owned(),
                kernel: "6.1".to_owned(),
                load: 0.25,
            },
            profile: Profile::Release,
            figures: vec![
                Figure::time("create", Duration::from_micros(6540)).over("sync", Duration::from_millis(3)),
                Figure::rate("creates", 250, Duration::from_secs(2)),
                Figure::size("`ashlar`", 9 << 19),
            ],
        };
        insta::assert_snapshot!(markdown(&report), @r"
        Measured on Abacus 9, 2 cores, 8 GiB of memory, ext4, Linux 6.1; load before 0.2.
        Optimised programs.

        | what | measured | the machine alone | ratio |
        |---|---:|---|---:|
        | create | 6.5 ms | sync: 3.0 ms | 2.2 |
        | creates | 125 /s |  |  |
        | `ashlar` | 4.5 MiB |  |  |
        ");
    }
}
