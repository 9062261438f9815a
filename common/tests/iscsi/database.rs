//! open-iscsi's database of records, which other clients of the machine change at their own times.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use ashlar_common::{connector::Error, driver::Kind};

use crate::{
    machine::{assert_nothing_left, connectors, ctx},
    target::Target,
};

/// A target in the database whose folder is listed and cannot be opened. So does `iscsiadm`, which looks through all of
/// them, find one that somebody deletes between its two looks.
struct Deleted(PathBuf);

impl Deleted {
    fn new() -> Self {
        let place = Path::new("/etc/iscsi/nodes").join(format!("iqn.2026-01.other:{}", fastrand::u32(..)));
        fs::create_dir_all(place.parent().expect("the database")).expect("made");
        symlink("/nowhere", &place).expect("linked");
        Self(place)
    }
}

impl Drop for Deleted {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Waits until `iscsiadm` has been seen to log in to the target twice: the first one failed. Or until told to stop.
fn second_login(iqn: &str, stop: &AtomicBool) {
    let mut seen = Vec::new();
    while seen.len() < 2 && !stop.load(Ordering::Relaxed) {
        for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let words = fs::read(process.path().join("cmdline")).unwrap_or_default();
            let says = |word: &str| words.split(|byte| *byte == 0).any(|said| said == word.as_bytes());
            if says(iqn) && says("--login") && !seen.contains(&process.file_name()) {
                seen.push(process.file_name());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_of_others_that_is_deleted_meanwhile_does_no_harm() {
    let mut target = Target::new(1).await;
    let (connectors, info, deleted, stop) = (connectors(), target.info(0), Deleted::new(), AtomicBool::new(false));
    let (handle, iqn) = (tokio::runtime::Handle::current(), &target.iqn);
    let attached = thread::scope(|scope| {
        scope.spawn(|| {
            second_login(iqn, &stop);
            drop(deleted);
        });
        let attached = tokio::task::block_in_place(|| handle.block_on(connectors.attach(&ctx(), &info)));
        stop.store(true, Ordering::Relaxed);
        attached
    });
    attached.expect("attached");
    connectors.detach(&ctx(), &info).await.expect("detached");
    assert_nothing_left(&target.iqn, None);
    target.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_stays_broken_is_named_and_does_not_hold_up_a_detach() {
    let mut target = Target::new(1).await;
    let (connectors, info) = (connectors(), target.info(0));
    let attached = connectors.attach(&ctx(), &info).await.expect("attached");
    let deleted = Deleted::new();
    connectors.detach(&ctx(), &info).await.expect("detached");
    assert_nothing_left(&target.iqn, Some(&attached.path));
    let error = connectors.attach(&ctx(), &info).await.expect_err("it stays broken");
    drop(deleted);
    assert!(matches!(error, Error::Database { .. }), "{error:?}");
    assert_eq!(error.kind(), Kind::Unavailable);
    // `iscsiadm` logs in to what it found before it fails for what it did not.
    assert_nothing_left(&target.iqn, None);
    target.end().await;
}
