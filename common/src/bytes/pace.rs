//! How far a piece of work is, and how fast it may go.

use std::{
    num::NonZeroU64,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::{buffer::BLOCK, copy::PIECE_BYTES, error::BytesError};
use crate::driver::{OpCtx, Progress};

/// Between two looks at the context while waiting for a turn.
const LOOK: Duration = Duration::from_millis(20);
/// Idle time that may be made up for: a copy that was held up for longer does not rush afterwards.
const MOST_SAVED: Duration = Duration::from_millis(100);
/// Pieces in each second of a slow copy, so that it is smooth.
const PIECES_PER_SECOND: u64 = 16;

/// A rate, in bytes per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle(NonZeroU64);

impl Throttle {
    /// So many bytes per second.
    #[must_use]
    pub fn new(bytes_per_second: NonZeroU64) -> Self {
        Self(bytes_per_second)
    }

    /// The rate.
    #[must_use]
    pub fn bytes_per_second(self) -> u64 {
        self.0.get()
    }
}

/// The progress and the rate of one operation, over all its steps.
#[derive(Debug)]
pub struct Pace {
    total: u64,
    done: Mutex<u64>,
    reports: bool,
    bucket: Option<(Throttle, Mutex<Bucket>)>,
}

impl Pace {
    /// For an operation that will have moved `total` bytes in all.
    #[must_use]
    pub fn new(total: u64, throttle: Option<Throttle>) -> Self {
        let bucket = throttle.map(|throttle| (throttle, Mutex::new(Bucket { free: Instant::now() })));
        Self { total, done: Mutex::new(0), reports: true, bucket }
    }

    /// At full speed, and with no report: for a small step beside those that count.
    #[must_use]
    pub fn unseen() -> Self {
        Self { total: 0, done: Mutex::new(0), reports: false, bucket: None }
    }

    /// The largest piece that goes at once, at most `most`.
    pub(super) fn piece(&self, most: u64, block: u64) -> u64 {
        match &self.bucket {
            Some((throttle, _)) => (throttle.0.get() / PIECES_PER_SECOND).next_multiple_of(block).clamp(block, most),
            None => most,
        }
    }

    /// The most data that one piece of a copy has; whole blocks.
    pub(crate) fn data_piece(&self) -> u64 {
        self.piece(PIECE_BYTES, BLOCK)
    }

    /// Waits until `bytes` may be moved.
    pub(super) fn admit(&self, ctx: &OpCtx, bytes: u64) -> Result<(), BytesError> {
        ctx.check()?;
        let Some((throttle, bucket)) = &self.bucket else { return Ok(()) };
        let now = Instant::now();
        let until = bucket.lock().unwrap_or_else(PoisonError::into_inner).take(now, bytes, *throttle);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            thread::sleep(left.min(LOOK));
            ctx.check()?;
        }
    }

    /// Reports that `bytes` were moved or passed over. Never goes back.
    pub(crate) fn did(&self, ctx: &OpCtx, bytes: u64) {
        if !self.reports {
            return;
        }
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        *done = self.total.min(*done + bytes);
        ctx.report(Progress { done: *done, total: self.total });
    }
}

/// A token bucket, kept as the time at which it is full enough for the next one.
#[derive(Debug)]
struct Bucket {
    free: Instant,
}

impl Bucket {
    /// When `bytes` may go, for one who asks at `now`. Who comes next waits for these, too.
    fn take(&mut self, now: Instant, bytes: u64, throttle: Throttle) -> Instant {
        let earliest = now.checked_sub(MOST_SAVED).unwrap_or(now);
        let begin = self.free.max(earliest);
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(throttle.0.get());
        self.free = begin + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        begin
    }
}

#[cfg(test)]
mod tests {
    use std::{
        num::NonZeroU64,
        time::{Duration, Instant},
    };

    use super::{Bucket, MOST_SAVED, Pace, Throttle};

    const MIB: u64 = 1 << 20;

    fn throttle(rate: u64) -> Throttle {
        Throttle::new(NonZeroU64::new(rate).expect("a rate"))
    }

    #[test]
    fn pieces_go_at_the_rate_however_many_ask_at_once() {
        let begin = Instant::now();
        let mut bucket = Bucket { free: begin };
        // Four workers ask whenever their last piece has gone: 80 MiB at 8 MiB/s.
        let mut workers = [begin; 4];
        for piece in 0..80_u32 {
            let worker = workers.iter_mut().min().expect("four");
            *worker = bucket.take(*worker, MIB, throttle(8 * MIB));
            assert_eq!(*worker - begin, Duration::from_secs(1) * piece / 8);
        }
    }

    #[test]
    fn a_pause_is_made_up_for_in_part_only() {
        let begin = Instant::now();
        let mut bucket = Bucket { free: begin };
        let late = begin + Duration::from_secs(60);
        let at_once = (0..100).take_while(|_| bucket.take(late, MIB, throttle(100 * MIB)) <= late).count();
        assert_eq!(at_once, 1 + usize::try_from(MOST_SAVED.as_millis() / 10).expect("few"));
    }

    #[test]
    fn slow_copies_go_in_small_pieces() {
        for (rate, piece) in [(1, 4096), (MIB, MIB / 16), (16 * MIB, MIB), (u64::MAX, MIB)] {
            assert_eq!(Pace::new(MIB, Some(throttle(rate))).piece(MIB, 4096), piece, "{rate}");
        }
        assert_eq!(Pace::new(MIB, None).piece(MIB, 4096), MIB);
    }
}
