//! On files. Block devices are the LVM driver's subject, whose tests have some.

use std::{
    fs::{File, OpenOptions},
    num::NonZeroU64,
    os::unix::fs::{FileExt, MetadataExt},
    time::Duration,
};

use proptest::prelude::any;
use proptest::{prop_assert, prop_assert_eq, proptest};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{BytesError, Pace, Target, Throttle, copy, copy_differences, settle, zero};
use crate::{
    driver::{Classified, Kind, OpCtx, Progress, context::Stopped},
    ids::OpId,
    units::ByteCount,
};

const MIB: u64 = 1 << 20;
/// Enough for several workers.
const LARGE: u64 = 40 * MIB + 1000;

fn ctx() -> OpCtx {
    OpCtx::new(OpId::new(), Duration::from_secs(120), CancellationToken::new())
}

fn size(bytes: u64) -> ByteCount {
    ByteCount::new(bytes).expect("a small size")
}

fn full_speed() -> Pace {
    Pace::new(0, None)
}

/// So slow that what is not stopped does not end while the test lasts.
fn crawling(total: u64) -> Pace {
    Pace::new(total, Some(Throttle::new(NonZeroU64::new(64 << 10).expect("a rate"))))
}

/// A directory of the test's own.
struct Lab(TempDir);

impl Lab {
    fn new() -> Self {
        Self(TempDir::new().expect("a temporary directory"))
    }

    fn empty(&self, name: &str, bytes: u64) -> File {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create_new(true).open(self.0.path().join(name)).expect("a new file");
        file.set_len(bytes).expect("a sparse file");
        file
    }

    /// What a volume that somebody had before looks like.
    fn used(&self, name: &str, bytes: u64) -> File {
        let file = self.empty(name, bytes);
        file.write_all_at(&vec![0xEE; usize::try_from(bytes).expect("small")], 0).expect("room");
        file
    }

    /// No two blocks of it are alike, every third MiB is a hole, and there are zeros that are written.
    fn varied(&self, name: &str, bytes: u64) -> File {
        let file = self.empty(name, bytes);
        let mut random = fastrand::Rng::with_seed(bytes);
        for at in (0..bytes).step_by(usize::try_from(MIB).expect("small")).filter(|at| at / MIB % 3 != 2) {
            let mut chunk: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(5000).collect();
            chunk.resize(usize::try_from(MIB.min(bytes - at)).expect("small"), if at % 2 == 0 { 7 } else { 0 });
            file.write_all_at(&chunk, at).expect("room");
        }
        file
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.path().join(name)).expect("readable")
    }
}

fn allocated(file: &File) -> u64 {
    file.metadata().expect("metadata").blocks() * 512
}

#[test]
fn a_copy_by_several_workers_is_exact() {
    for before in [Target::ReadsZero, Target::ReadsAnything] {
        let lab = Lab::new();
        let source = lab.varied("source", LARGE);
        let target = if before == Target::ReadsZero { lab.empty("target", LARGE) } else { lab.used("target", LARGE) };
        copy(&ctx(), &full_speed(), &source, &target, size(LARGE), before).expect("copied");
        settle(&target).expect("flushed");
        assert!(lab.bytes("source") == lab.bytes("target"), "{before:?}");
    }
}

#[test]
fn only_the_first_bytes_are_copied() {
    let lab = Lab::new();
    let (source, target) = (lab.varied("source", 2 * MIB), lab.used("target", 2 * MIB));
    let len = MIB + 1234;
    copy(&ctx(), &full_speed(), &source, &target, size(len), Target::ReadsAnything).expect("copied");
    let (source, target) = (lab.bytes("source"), lab.bytes("target"));
    let len = usize::try_from(len).expect("small");
    assert!(source[..len] == target[..len]);
    assert!(target[len..].iter().all(|byte| *byte == 0xEE));
}

#[test]
fn zeroing_ends_where_it_is_told_to() {
    for range in [0..MIB, 1..MIB - 1, 4096..8192, 5000..5001, 5000..9000, 10..4100, 4000..4097, 77..77] {
        let lab = Lab::new();
        let target = lab.used("target", MIB);
        zero(&ctx(), &full_speed(), &target, range.clone()).expect("zeroed");
        for (at, byte) in lab.bytes("target").into_iter().enumerate() {
            let expected = if range.contains(&(at as u64)) { 0 } else { 0xEE };
            assert_eq!(byte, expected, "at {at} of {range:?}");
        }
    }
}

#[test]
fn what_is_the_same_is_not_written() {
    let lab = Lab::new();
    let (source, twin) = (lab.varied("source", 3 * MIB), lab.varied("twin", 3 * MIB));
    let sealed = File::open(lab.0.path().join("twin")).expect("it is there");
    copy_differences(&ctx(), &full_speed(), &source, &sealed, size(3 * MIB)).expect("there is nothing to write");
    twin.write_all_at(b"x", MIB).expect("room");
    let error = copy_differences(&ctx(), &full_speed(), &source, &sealed, size(3 * MIB)).expect_err("a block differs");
    assert!(matches!(error, BytesError::Io { doing: "write the differences", .. }), "{error}");
}

#[test]
fn differences_are_made_the_same() {
    let lab = Lab::new();
    let (source, target) = (lab.varied("source", LARGE), lab.varied("target", LARGE));
    for at in [0, 4095, 4096, MIB - 1, 5 * MIB + 3, 17 * MIB, LARGE - 1] {
        target.write_all_at(b"x", at).expect("room");
    }
    copy_differences(&ctx(), &full_speed(), &source, &target, size(LARGE)).expect("copied");
    assert!(lab.bytes("source") == lab.bytes("target"));
}

#[test]
fn a_full_disk_is_out_of_space() {
    let source = Lab::new().varied("source", MIB);
    let full = OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let error = copy(&ctx(), &full_speed(), &source, &full, size(MIB), Target::ReadsZero).expect_err("it is full");
    assert_eq!(error.kind(), Kind::OutOfSpace, "{error}");
}

#[test]
fn a_source_that_ends_early_is_said() {
    let lab = Lab::new();
    let (source, target) = (lab.varied("source", MIB), lab.empty("target", 2 * MIB));
    for error in [
        copy(&ctx(), &full_speed(), &source, &target, size(2 * MIB), Target::ReadsZero).expect_err("it is short"),
        copy_differences(&ctx(), &full_speed(), &source, &target, size(2 * MIB)).expect_err("it is short"),
    ] {
        assert!(matches!(error, BytesError::ShortSource { end: MIB, .. }), "{error}");
        assert_eq!(allocated(&target), 0);
    }
}

/// All that there is to do, each on a target of used bytes.
fn each_work(check: impl Fn(&str, &dyn Fn(&OpCtx, &Pace) -> Result<(), BytesError>)) {
    let lab = Lab::new();
    let (source, target) = (lab.varied("source", LARGE), lab.used("target", LARGE));
    check("copy", &|ctx, pace| copy(ctx, pace, &source, &target, size(LARGE), Target::ReadsAnything));
    check("differences", &|ctx, pace| copy_differences(ctx, pace, &source, &target, size(LARGE)));
    check("zero", &|ctx, pace| zero(ctx, pace, &target, 0..LARGE));
}

#[test]
fn nothing_begins_when_cancelled() {
    each_work(|name, work| {
        let stopped = ctx();
        stopped.cancel().cancel();
        let error = work(&stopped, &full_speed()).expect_err("it was cancelled");
        assert!(matches!(error, BytesError::Stopped(Stopped::Cancelled)), "{name}: {error}");
    });
}

#[test]
fn a_cancel_ends_it_in_the_middle_while_it_waits_for_its_rate() {
    each_work(|name, work| {
        let running = ctx();
        let (mut progress, cancel) = (running.watch_progress(), running.cancel().clone());
        let error = std::thread::scope(|scope| {
            scope.spawn(move || {
                let begun = |progress: &Progress| progress.done > 0;
                futures_block(async { progress.wait_for(begun).await.map(drop) }).expect("the context lives");
                cancel.cancel();
            });
            work(&running, &crawling(LARGE)).expect_err("it was cancelled")
        });
        assert_eq!(error.kind(), Kind::Indeterminate, "{name}: {error}");
        let done = running.watch_progress().borrow().done;
        assert!((1..LARGE).contains(&done), "{name}: {done}");
    });
}

#[test]
fn the_deadline_ends_it_while_it_waits_for_its_rate() {
    each_work(|name, work| {
        let short = OpCtx::new(OpId::new(), Duration::from_millis(50), CancellationToken::new());
        let error = work(&short, &crawling(LARGE)).expect_err("there is no time");
        assert!(matches!(error, BytesError::Stopped(Stopped::Deadline)), "{name}: {error}");
    });
}

#[test]
fn progress_goes_on_from_step_to_step_and_ends_at_the_total() {
    let lab = Lab::new();
    let (source, target) = (lab.varied("source", LARGE), lab.used("target", 2 * LARGE));
    let (ctx, pace) = (ctx(), Pace::new(2 * LARGE, None));
    copy(&ctx, &pace, &source, &target, size(LARGE), Target::ReadsAnything).expect("copied");
    assert_eq!(*ctx.watch_progress().borrow(), Progress { done: LARGE, total: 2 * LARGE });
    zero(&ctx, &pace, &target, LARGE..2 * LARGE).expect("zeroed");
    assert_eq!(*ctx.watch_progress().borrow(), Progress { done: 2 * LARGE, total: 2 * LARGE });
    assert!(lab.bytes("target")[usize::try_from(LARGE).expect("small")..].iter().all(|byte| *byte == 0));
}

fn futures_block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(future)
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn any_pattern_of_data_zeros_and_holes_is_copied_exactly(
        pieces in proptest::collection::vec((0_u64..3_000_000, 1_usize..40_000, any::<u8>()), 0..8),
        odd in 0_u64..5000,
    ) {
        let len = 3_100_000 + odd;
        let lab = Lab::new();
        let (source, target) = (lab.empty("source", len), lab.empty("target", len));
        for (at, bytes, value) in pieces {
            // Half of them are data that happen to be zeros.
            source.write_all_at(&vec![value.saturating_sub(128); bytes], at).expect("room");
        }
        copy(&ctx(), &full_speed(), &source, &target, size(len), Target::ReadsZero).expect("copied");
        prop_assert_eq!(target.metadata().expect("metadata").len(), len);
        prop_assert!(lab.bytes("source") == lab.bytes("target"));
        prop_assert!(allocated(&target) <= allocated(&source));

        let used = lab.used("used", len);
        copy(&ctx(), &full_speed(), &source, &used, size(len), Target::ReadsAnything).expect("copied");
        prop_assert!(lab.bytes("source") == lab.bytes("used"));

        let other = lab.used("other", len);
        copy_differences(&ctx(), &full_speed(), &source, &other, size(len)).expect("copied");
        prop_assert!(lab.bytes("source") == lab.bytes("other"));
    }
}
