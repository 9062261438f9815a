//! Attaching.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::{FileExt, PermissionsExt},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use ashlar_common::{connector::Error, driver::Kind};
use serde_json::json;

use crate::{
    machine::{assert_nothing_left, connectors, ctx, records, run, sessions},
    target::{SECRET, Target, with},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_is_read_after_the_next_attach() {
    let mut target = Target::new(1).await;
    let (connectors, info) = (connectors(), target.info(0));
    let attached = connectors.attach(&ctx(), &info).await.expect("attached");
    assert_eq!((u64::from(attached.size), attached.read_only), (16 << 20, false));
    let device = OpenOptions::new().write(true).open(&attached.path).expect("opened");
    // Not synced: that is what `detach` does.
    device.write_all_at(&[7; 4096], 1 << 20).expect("written");
    drop(device);
    let detached = connectors.detach(&ctx(), &info).await.expect("detached");
    assert!(detached.unflushed.is_none(), "{detached:?}");
    assert_nothing_left(&target.iqn, Some(&attached.path));
    assert_eq!(target.bytes(0)[1 << 20..][..4096], [7; 4096]);
    let attached = connectors.attach(&ctx(), &info).await.expect("attached");
    let mut read = [0; 4096];
    File::open(&attached.path).and_then(|device| device.read_exact_at(&mut read, 1 << 20)).expect("read");
    assert_eq!(read, [7; 4096]);
    connectors.detach(&ctx(), &info).await.expect("detached");
    connectors.detach(&ctx(), &info).await.expect("it is detached already");
    assert_nothing_left(&target.iqn, Some(&attached.path));
    target.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn again_is_the_same_device_by_the_same_session() {
    let mut target = Target::new(1).await;
    let (connectors, info) = (connectors(), target.info(0));
    let first = connectors.attach(&ctx(), &info).await.expect("attached");
    let session = sessions(&target.iqn);
    let (one, two) = (ctx(), ctx());
    let (again, at_once) = tokio::join!(connectors.attach(&one, &info), connectors.attach(&two, &info));
    assert_eq!((again.expect("attached"), at_once.expect("attached")), (first.clone(), first));
    assert_eq!((session.len(), sessions(&target.iqn)), (1, session));
    connectors.detach(&ctx(), &info).await.expect("detached");
    target.end().await;
}

/// Looks at the arguments of all processes as fast as it can.
fn watch(seen: &AtomicBool, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let arguments = fs::read(process.path().join("cmdline")).unwrap_or_default();
            if arguments.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()) {
                seen.store(true, Ordering::Relaxed);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_sees_the_secret() {
    let mut target = Target::new(1).await;
    let (connectors, info) = (connectors(), target.info(0));
    let (seen, stop) = (AtomicBool::new(false), AtomicBool::new(false));
    let handle = tokio::runtime::Handle::current();
    thread::scope(|scope| {
        scope.spawn(|| watch(&seen, &stop));
        tokio::task::block_in_place(|| handle.block_on(connectors.attach(&ctx(), &info))).expect("attached");
        stop.store(true, Ordering::Relaxed);
    });
    assert!(!seen.load(Ordering::Relaxed), "the secret is in the arguments of a process");
    let records = records(&target.iqn);
    assert_eq!(records.len(), 1);
    for record in records {
        assert!(fs::read_to_string(&record).expect("readable").contains(SECRET), "the record is where it is");
        assert_eq!(fs::metadata(&record).expect("there").permissions().mode() & 0o777, 0o600, "{record:?}");
    }
    connectors.detach(&ctx(), &info).await.expect("detached");
    assert_nothing_left(&target.iqn, None);
    target.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_secret_is_refused_and_nothing_is_left() {
    let mut target = Target::new(1).await;
    let info = with(target.info(0), "auth_password", "another-secret");
    let error = connectors().attach(&ctx(), &info).await.expect_err("refused");
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("another-secret"), "{error:?}");
    assert_nothing_left(&target.iqn, None);
    target.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_exported_for_reading_cannot_be_written_to() {
    let mut target = Target::new(1).await;
    target.protect(0);
    let (connectors, info) = (connectors(), with(target.info(0), "access_mode", "ro"));
    let attached = connectors.attach(&ctx(), &info).await.expect("attached");
    assert!(attached.read_only);
    let written = OpenOptions::new().write(true).open(&attached.path).and_then(|device| device.write_all_at(&[1], 0));
    assert!(written.is_err(), "{written:?}");
    connectors.detach(&ctx(), &info).await.expect("detached");
    target.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_that_is_not_there_is_said_to_be_missing() {
    let mut target = Target::new(1).await;
    let info = with(target.info(0), "target_lun", 9);
    let error = connectors().attach(&ctx(), &info).await.expect_err("refused");
    assert_eq!(error.kind(), Kind::NotFound, "{error}");
    assert_nothing_left(&target.iqn, None);
    target.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_volume_under_the_number_is_not_taken_for_the_old_one() {
    let mut target = Target::new(2).await;
    let connectors = connectors();
    // The other unit keeps the session, and so does this host's memory of the first.
    let (old, other) = (target.info(0), target.info(1));
    connectors.attach(&ctx(), &other).await.expect("attached");
    connectors.attach(&ctx(), &old).await.expect("attached");
    target.remove(0).await;
    target.add(0, "second").await;
    target.grow(0, 32 << 20).await;
    let error = connectors.attach(&ctx(), &old).await.expect_err("it is another volume");
    assert!(matches!(error, Error::OtherVolume { .. }), "{error:?}");
    let attached = connectors.attach(&ctx(), &target.info(0)).await.expect("this one is there");
    assert_eq!(u64::from(attached.size), 32 << 20);
    for info in [target.info(0), other] {
        connectors.detach(&ctx(), &info).await.expect("detached");
    }
    assert_nothing_left(&target.iqn, Some(&attached.path));
    target.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_portal_that_does_not_answer_is_passed_over() {
    let mut target = Target::new(1).await;
    let here = target.portal();
    // Nobody listens on the port for discarding.
    let info = with(target.info(0), "target_portal", "127.0.0.1:9");
    let info = with(info, "target_portals", json!(["127.0.0.1:9", here]));
    let connectors = connectors();
    let attached = connectors.attach(&ctx(), &info).await.expect("attached");
    assert_eq!(sessions(&target.iqn).len(), 1);
    assert_eq!(records(&target.iqn).len(), 1, "the secret is kept for the portal in use alone");
    let started = std::time::Instant::now();
    assert_eq!(connectors.attach(&ctx(), &info).await.expect("attached"), attached);
    println!("again by the portal that works: {:?}", started.elapsed());
    connectors.detach(&ctx(), &info).await.expect("detached");
    assert_nothing_left(&target.iqn, Some(&attached.path));
    target.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_volume_that_grew_is_as_large_here() {
    let mut target = Target::new(1).await;
    let (connectors, info) = (connectors(), target.info(0));
    let attached = connectors.attach(&ctx(), &info).await.expect("attached");
    target.grow(0, 24 << 20).await;
    let size = connectors.rescan(&ctx(), &info).await.expect("looked");
    assert_eq!(u64::from(size), 24 << 20);
    let node = Path::new("/sys/class/block").join(attached.path.file_name().expect("a name")).join("size");
    assert_eq!(fs::read_to_string(node).expect("there").trim(), (24 * 2048).to_string());
    connectors.detach(&ctx(), &info).await.expect("detached");
    assert!(matches!(connectors.rescan(&ctx(), &info).await, Err(Error::NoUnit { .. })));
    target.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_an_attach_is_finished_or_taken_apart() {
    let mut target = Target::new(1).await;
    let (connectors, info, portal) = (connectors(), target.info(0), target.portal());
    let node = ["-m", "node", "-T", &target.iqn, "-p", &portal];
    // Died when the record was new.
    run("iscsiadm", &[&node[..], &["-o", "new"]].concat(), &[]).await;
    connectors.attach(&ctx(), &info).await.expect("attached");
    // Died when the device was gone, and the session was not.
    let device = connectors.attach(&ctx(), &info).await.expect("attached").path;
    let delete = Path::new("/sys/class/block").join(device.file_name().expect("a name")).join("device/delete");
    fs::write(delete, "1").expect("deleted");
    connectors.detach(&ctx(), &info).await.expect("detached");
    assert_nothing_left(&target.iqn, Some(&device));
    // Died when there was a record with the secret.
    connectors.attach(&ctx(), &info).await.expect("attached");
    run("iscsiadm", &[&node[..], &["--logout"]].concat(), &[]).await;
    connectors.detach(&ctx(), &info).await.expect("detached");
    assert_nothing_left(&target.iqn, Some(&device));
    target.end().await;
}
