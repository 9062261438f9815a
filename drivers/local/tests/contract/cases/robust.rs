//! Crashes, cancellation, hostile neighbours.

use std::{
    fs::{self, File},
    os::unix::fs::symlink,
    time::Duration,
};

use ashlar_common::{
    driver::{Classified, Driver, Kind, OpCtx},
    ids::OpId,
};
use ashlar_driver_local::LocalDriver;
use rustix::fs::FlockOperation;
use tokio_util::sync::CancellationToken;

use crate::bench::{
    Bench, SIZE, assert_changed, assert_kind, assert_same, assert_unchanged, attachment, create, create_full, ctx,
    listed, names, pattern, read, snapshot, spec,
};

/// Whoever can write into the store must not be able to lead the driver out of it.
pub(crate) async fn planted_links_are_refused(bench: &Bench) {
    let driver = bench.driver();
    let outside = bench.lab.beside("outside");
    fs::create_dir(&outside).expect("a directory");
    for name in ["data", "record"] {
        fs::write(outside.join(name), b"secret").expect("written");
    }
    let hold = attachment(ashlar_common::driver::AccessMode::ReadWrite);
    // A link in the place of the bytes, of the record, of the whole volume.
    for planted in ["data", "record", ""] {
        let volume = create(driver, SIZE).await;
        let at = bench.root().join(format!("volumes/volume-{}", volume.id));
        if planted.is_empty() {
            fs::remove_dir_all(&at).expect("removed");
            symlink(&outside, &at).expect("planted");
        } else {
            fs::remove_file(at.join(planted)).expect("removed");
            symlink(outside.join(planted), at.join(planted)).expect("planted");
        }
        assert_kind(driver.attach(&ctx(), &volume, &hold).await, Kind::Fatal);
        assert_kind(driver.extend(&ctx(), &volume, crate::bench::bytes(SIZE * 2)).await, Kind::Fatal);
        assert_kind(driver.clone_volume(&ctx(), &spec(SIZE), &volume).await, Kind::Fatal);
        assert_kind(driver.create(&ctx(), &crate::bench::spec_of(&volume, SIZE)).await, Kind::Fatal);
    }
    // A link in the place of a directory of the store.
    fs::rename(bench.root().join("attachments"), bench.root().join("aside")).expect("moved");
    symlink(&outside, bench.root().join("attachments")).expect("planted");
    let volume = spec(SIZE).volume;
    assert_kind(driver.detach(&ctx(), &volume, ashlar_common::driver::Detach::All).await, Kind::Fatal);
    assert_eq!(LocalDriver::open(bench.config.clone()).expect_err("a link").kind(), Kind::Fatal);
    fs::remove_file(bench.root().join("attachments")).expect("removed");
    fs::rename(bench.root().join("aside"), bench.root().join("attachments")).expect("moved back");

    assert_eq!(names(&outside), ["data", "record"]);
    assert_eq!(fs::read(outside.join("data")).expect("read"), b"secret");
    assert_eq!(fs::metadata(outside.join("data")).expect("there").len(), 6);
}

/// call.1: after a crash at any instant.
pub(crate) async fn leftovers_of_the_dead_are_swept_and_those_of_the_living_kept(bench: &Bench) {
    let (dead, living) = (leave_half_done(bench, spec(SIZE).volume.id), leave_half_done(bench, spec(SIZE).volume.id));
    let empty = leave_half_done(bench, spec(SIZE).volume.id);
    fs::remove_dir_all(bench.root().join("tmp").join(&empty)).expect("removed");
    fs::create_dir(bench.root().join("tmp").join(&empty)).expect("made");
    fs::write(bench.root().join("tmp/notes"), b"not ours").expect("written");
    let lock = File::open(bench.root().join("tmp").join(&living).join("record")).expect("there");
    rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).expect("free");
    bench.open_again(|_| {});
    assert!(!bench.staged().contains(&dead));
    assert_eq!(bench.staged(), ["notes".to_owned(), living]);
    drop(lock);
    bench.open_again(|_| {});
    assert_eq!(bench.staged(), ["notes"]);
    fs::remove_file(bench.root().join("tmp/notes")).expect("removed");
}

/// call.1, inspect.1
pub(crate) async fn retry_after_a_death_half_way_makes_the_volume(bench: &Bench) {
    let driver = bench.driver();
    let (source, content) = create_full(driver, 1).await;
    let clone = spec(SIZE);
    leave_half_done(bench, clone.volume.id);
    assert_eq!(driver.inspect(&ctx(), &clone.volume).await.expect("looked"), None);
    assert_changed(&driver.clone_volume(&ctx(), &clone, &source).await.expect("cloned"));
    assert_same(&read(driver, &clone.volume).await, &content);
    // A delete that died after its first step.
    leave_half_done(bench, clone.volume.id);
    assert_changed(&driver.delete(&ctx(), &clone.volume).await.expect("deleted"));
    leave_half_done(bench, clone.volume.id);
    assert_unchanged(&driver.delete(&ctx(), &clone.volume).await.expect("again"));
}

/// copy.3, call.2
pub(crate) async fn cancelled_clone_leaves_nothing(bench: &Bench) {
    // Thick copies every byte, wherever it runs, so there is something to stop.
    let thick = bench.open_again(|config| config.provisioning = ashlar_driver_local::config::Provisioning::Thick);
    let (source, content) = create_full(&thick, 1).await;
    let before = listed(&thick).await;
    for step in 0..20 {
        let cancel = CancellationToken::new();
        let context = OpCtx::new(OpId::new(), Duration::from_secs(60), cancel.clone());
        let clone = spec(SIZE * 2);
        let (driver, wanted, from) = (thick.clone(), clone.clone(), source.clone());
        let call = tokio::spawn(async move { driver.clone_volume(&context, &wanted, &from).await });
        for _ in 0..step * step {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
        match call.await.expect("no panic") {
            Ok(_) => {
                assert_same(&read(&thick, &clone.volume).await[..content.len()], &content);
                thick.delete(&ctx(), &clone.volume).await.expect("deleted");
            }
            Err(error) => assert_eq!(error.kind(), Kind::Indeterminate, "{error}"),
        }
        assert_eq!(listed(&thick).await, before);
        bench.assert_tidy();
    }
}

/// call.2
pub(crate) async fn past_deadline_changes_nothing(bench: &Bench) {
    let driver = bench.driver();
    let (volume, content) = create_full(driver, 1).await;
    let frozen = snapshot(driver, &volume).await;
    let before = listed(driver).await;
    let late = || OpCtx::new(OpId::new(), Duration::ZERO, CancellationToken::new());
    assert_kind(driver.create(&late(), &spec(SIZE)).await, Kind::Indeterminate);
    assert_kind(driver.delete(&late(), &volume).await, Kind::Indeterminate);
    assert_kind(driver.delete_snapshot(&late(), &frozen).await, Kind::Indeterminate);
    assert_kind(driver.clone_volume(&late(), &spec(SIZE), &volume).await, Kind::Indeterminate);
    assert_eq!(listed(driver).await, before);
    assert_same(&read(driver, &volume).await, &content);
}

/// A host should not drop a call, but one that does must not leave anything half made.
pub(crate) async fn abandoned_call_leaves_nothing(bench: &Bench) {
    let driver = bench.driver();
    let (source, content) = create_full(driver, 1).await;
    for polls in 1..6 {
        let clone = spec(SIZE);
        {
            let context = ctx();
            let mut call = Box::pin(driver.clone_volume(&context, &clone, &source));
            for _ in 0..polls {
                if tokio::time::timeout(Duration::from_micros(200), &mut call).await.is_ok() {
                    break;
                }
            }
        }
        // The same call waits for what the abandoned one left running, and both come to one volume.
        driver.clone_volume(&ctx(), &clone, &source).await.expect("cloned");
        assert_same(&read(driver, &clone.volume).await, &content);
        driver.delete(&ctx(), &clone.volume).await.expect("deleted");
    }
    assert_eq!(listed(driver).await.0, vec![source.id]);
}

/// call.2, call.5: somebody else works on the volume and does not end.
pub(crate) async fn held_lock_ends_calls_in_time_and_stops_no_statistics(bench: &Bench) {
    let driver = bench.driver();
    let volume = create(driver, SIZE).await;
    let record = bench.root().join(format!("volumes/volume-{}/record", volume.id));
    let lock = File::open(record).expect("there");
    rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).expect("free");
    let cancel = CancellationToken::new();
    let context = OpCtx::new(OpId::new(), Duration::from_secs(60), cancel.clone());
    let waiting: Vec<_> = (0..600)
        .map(|_| {
            let (driver, volume, context) = (bench.local.clone(), volume.clone(), context.clone());
            tokio::spawn(async move { driver.delete(&context, &volume).await })
        })
        .collect();
    for _ in 0..10 {
        driver.stats(&ctx()).await.expect("not held up");
        driver.inspect(&ctx(), &volume).await.expect("not held up").expect("there");
    }
    cancel.cancel();
    for call in waiting {
        assert_kind(call.await.expect("no panic"), Kind::Indeterminate);
    }
    drop(lock);
    assert_changed(&driver.delete(&ctx(), &volume).await.expect("free again"));
}

/// Two processes, such as a host that went away slowly and its successor.
pub(crate) async fn two_drivers_share_a_directory(bench: &Bench) {
    let other = bench.open_again(|_| {});
    let (volume, content) = create_full(bench.driver(), 1).await;
    assert_same(&read(&other, &volume).await, &content);
    let frozen = snapshot(&other, &volume).await;
    let tries: Vec<_> = (0..8)
        .map(|number| {
            let driver = if number % 2 == 0 { bench.local.clone() } else { other.clone() };
            let (volume, frozen) = (volume.clone(), frozen.clone());
            tokio::spawn(async move {
                let made = spec(SIZE);
                driver.create_from_snapshot(&ctx(), &made, &frozen).await.expect("made");
                driver.extend(&ctx(), &volume, crate::bench::bytes(SIZE + number)).await.map(drop).unwrap_or_default();
                assert_same(&read(&driver, &made.volume).await, &pattern(1, SIZE));
                driver.delete(&ctx(), &made.volume).await.expect("deleted");
            })
        })
        .collect();
    for attempt in tries {
        attempt.await.expect("no panic");
    }
    assert_eq!(listed(bench.driver()).await, (vec![volume.id], vec![frozen.id]));
}

/// What a killed process leaves in `tmp/` while it makes or removes a volume. Answers its name.
fn leave_half_done(bench: &Bench, id: ashlar_common::ids::VolumeId) -> String {
    let attempt = OpId::new().to_string().replace('-', "");
    let name = format!("volume-{id}.{}.{attempt}", OpId::new());
    let at = bench.root().join("tmp").join(&name);
    fs::create_dir(&at).expect("made");
    fs::write(at.join("record"), b"{\"version\":1,\"obj").expect("written");
    fs::write(at.join("data"), pattern(9, 4096)).expect("written");
    name
}
