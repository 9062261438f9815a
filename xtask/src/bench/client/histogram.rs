//! Times in memory that does not grow with their number.

use std::time::Duration;

/// Each doubling of time has so many steps that a time is known to less than one percent of itself.
const STEP_BITS: u32 = 7;
const STEPS: u64 = 1 << STEP_BITS;
/// Nanoseconds up to 2^42, over an hour; what takes longer counts as that.
const DOUBLINGS: u32 = 42;
const BUCKETS: usize = (DOUBLINGS - STEP_BITS + 1) as usize * (1 << STEP_BITS);

/// How often which time was measured.
#[derive(Clone, Debug)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS], count: 0 }
    }
}

impl Histogram {
    /// Counts one time.
    pub fn record(&mut self, time: Duration) {
        self.buckets[bucket(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))] += 1;
        self.count += 1;
    }

    /// Adds what another one counted.
    pub fn add(&mut self, other: &Self) {
        for (here, there) in self.buckets.iter_mut().zip(&other.buckets) {
            *here += there;
        }
        self.count += other.count;
    }

    /// How many times were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Half of them were no longer than this; zero where none was counted.
    #[must_use]
    pub fn median(&self) -> Duration {
        self.percentile(50)
    }

    /// `percent` of them were no longer than this: the upper end of a step, so never less than was measured.
    #[must_use]
    pub fn percentile(&self, percent: u64) -> Duration {
        let rank = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let reached = self.buckets.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        reached.map_or(Duration::ZERO, |bucket| Duration::from_nanos(upper_end(bucket as u64)))
    }
}

impl FromIterator<Duration> for Histogram {
    fn from_iter<T: IntoIterator<Item = Duration>>(times: T) -> Self {
        let mut histogram = Self::default();
        times.into_iter().for_each(|time| histogram.record(time));
        histogram
    }
}

/// Times below [`STEPS`] have a bucket each; above, the doubling and the first bits behind its highest tell.
fn bucket(nanoseconds: u64) -> usize {
    let time = nanoseconds.min((1 << DOUBLINGS) - 1);
    let shift = (time | STEPS).ilog2() - STEP_BITS;
    usize::try_from(u64::from(shift) * STEPS + (time >> shift)).unwrap_or(BUCKETS - 1)
}

fn upper_end(bucket: u64) -> u64 {
    let shift = (bucket / STEPS).saturating_sub(1);
    let first = (bucket - shift * STEPS) << shift;
    first + (1 << shift) - 1
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{BUCKETS, Histogram, bucket, upper_end};

    #[test]
    fn every_time_lies_in_its_bucket_and_buckets_join() {
        let mut last = None;
        for number in 0..BUCKETS {
            let end = upper_end(number as u64);
            assert_eq!(bucket(end), number);
            if let Some(last) = last {
                assert_eq!(bucket(last + 1), number);
            }
            last = Some(end);
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn percentiles_are_at_most_a_step_above_what_was_measured() {
        let times: Histogram = (1..=1000).map(Duration::from_micros).collect();
        for (percent, exact) in [(50, 500.0), (95, 950.0), (99, 990.0), (100, 1000.0)] {
            let told = times.percentile(percent).as_secs_f64() * 1e6;
            assert!(told >= exact && told < exact * 1.01, "{percent}: {told}");
        }
        assert_eq!(Histogram::default().median(), Duration::ZERO);
    }

    #[test]
    fn adding_is_counting_both() {
        let mut all: Histogram = [Duration::from_millis(1)].into_iter().collect();
        all.add(&[Duration::from_millis(3), Duration::from_millis(3)].into_iter().collect());
        assert_eq!(all.count(), 3);
        assert_eq!(all.median().as_millis(), 3);
    }
}
