//! Detaching, also from what is gone.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::{FileExt, OpenOptionsExt},
    time::Duration,
};

use ashlar_common::{connector::Error, driver::Kind};

use crate::{
    machine::{assert_nothing_left, connectors, ctx, lasting, records, run, sessions},
    target::Target,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_units_of_a_target_go_on() {
    let mut target = Target::new(3).await;
    let (connectors, first, second) = (connectors(), target.info(0), target.info(1));
    let one = connectors.attach(&ctx(), &first).await.expect("attached");
    let units = |session: &str| {
        let folders = fs::read_dir(format!("/sys/class/iscsi_session/{session}/device")).expect("there").flatten();
        let target = folders.map(|entry| entry.path()).find(|path| path.to_string_lossy().contains("/target"));
        let units = fs::read_dir(target.expect("a target")).expect("there").flatten();
        units.filter(|unit| unit.file_name().to_string_lossy().contains(':')).count()
    };
    let session = sessions(&target.iqn).pop().expect("a session");
    assert_eq!(units(&session), 1, "only what was asked for is looked for");
    let two = connectors.attach(&ctx(), &second).await.expect("attached");
    assert_ne!(one.path, two.path);
    connectors.detach(&ctx(), &first).await.expect("detached");
    assert!(!one.path.exists());
    let device = OpenOptions::new().read(true).write(true).open(&two.path).expect("it goes on");
    device.write_all_at(&[1; 512], 0).and_then(|()| device.sync_all()).expect("it goes on");
    drop(device);
    assert_eq!(sessions(&target.iqn), [session]);
    connectors.detach(&ctx(), &second).await.expect("detached");
    assert_nothing_left(&target.iqn, Some(&two.path));
    target.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_use_is_not_taken_away() {
    let mut target = Target::new(1).await;
    let (connectors, info) = (connectors(), target.info(0));
    let attached = connectors.attach(&ctx(), &info).await.expect("attached");
    // As a mounted file system holds it.
    let exclusive = i32::try_from(rustix::fs::OFlags::EXCL.bits()).expect("a flag");
    let held = OpenOptions::new().read(true).custom_flags(exclusive).open(&attached.path).expect("opened");
    let error = connectors.detach(&ctx(), &info).await.expect_err("refused");
    assert!(matches!(error, Error::InUse { .. }) && error.kind() == Kind::Busy, "{error:?}");
    assert_eq!(connectors.attach(&ctx(), &info).await.expect("it stayed"), attached);
    drop(held);
    connectors.detach(&ctx(), &info).await.expect("detached");
    assert_nothing_left(&target.iqn, Some(&attached.path));
    target.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_is_gone_does_not_hold_it_up() {
    let mut target = Target::new(1).await;
    let (connectors, info) = (connectors(), target.info(0));
    let attached = connectors.attach(&ctx(), &info).await.expect("attached");
    let device = File::options().write(true).open(&attached.path).expect("opened");
    device.write_all_at(&[9; 65536], 0).expect("into the cache");
    drop(device);
    target.end().await;
    let detached = connectors.detach(&lasting(Duration::from_secs(120)), &info).await.expect("detached");
    assert!(detached.unflushed.is_some(), "what was written is lost, and that is said");
    assert_nothing_left(info.data["target_iqn"].as_str().expect("a name"), Some(&attached.path));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_known_to_be_gone_is_abandoned_at_once() {
    let mut target = Target::new(1).await;
    let (connectors, info) = (connectors(), target.info(0));
    let attached = connectors.attach(&ctx(), &info).await.expect("attached");
    let held = File::open(&attached.path).expect("opened");
    target.end().await;
    let started = std::time::Instant::now();
    connectors.abandon(&ctx(), &info).await.expect("abandoned");
    println!("abandoned in {:?}", started.elapsed());
    assert_nothing_left(info.data["target_iqn"].as_str().expect("a name"), Some(&attached.path));
    drop(held);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_is_gone_does_not_hold_it_up() {
    let address = format!("10.213.{}.{}", fastrand::u8(..), fastrand::u8(1..255));
    let link = ["address", "add", &format!("{address}/32"), "dev", "lo"];
    run("ip", &link, &[]).await;
    let mut target = Target::at(&address, 1).await;
    let (connectors, info) = (connectors(), target.info(0));
    let attached = connectors.attach(&ctx(), &info).await.expect("attached");
    let device = File::options().write(true).open(&attached.path).expect("opened");
    device.write_all_at(&[9; 65536], 0).expect("into the cache");
    drop(device);
    run("ip", &["address", "del", link[2], "dev", "lo"], &[]).await;
    let started = std::time::Instant::now();
    let detached = connectors.detach(&lasting(Duration::from_secs(150)), &info).await.expect("detached");
    println!("detached in {:?}, for {:?}", started.elapsed(), detached.unflushed);
    assert!(detached.unflushed.is_some(), "what was written is lost, and that is said");
    assert_nothing_left(&target.iqn, Some(&attached.path));
    run("ip", &link, &[]).await;
    // It comes back, and is the volume that it was.
    let again = connectors.attach(&ctx(), &info).await.expect("attached");
    assert_eq!(again.size, attached.size);
    connectors.detach(&ctx(), &info).await.expect("detached");
    target.end().await;
    run("ip", &["address", "del", link[2], "dev", "lo"], &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_comes_back_loses_nothing() {
    let address = format!("10.214.{}.{}", fastrand::u8(..), fastrand::u8(1..255));
    let link = ["address", "add", &format!("{address}/32"), "dev", "lo"];
    run("ip", &link, &[]).await;
    let mut target = Target::at(&address, 1).await;
    // With the patience that everybody has.
    let (connectors, info) = (ashlar_common::connector::Connectors::default(), target.info(0));
    let attached = connectors.attach(&ctx(), &info).await.expect("attached");
    let device = File::options().write(true).open(&attached.path).expect("opened");
    device.write_all_at(&[9; 65536], 0).expect("into the cache");
    drop(device);
    run("ip", &["address", "del", link[2], "dev", "lo"], &[]).await;
    let detaching = {
        let (connectors, info) = (connectors.clone(), info.clone());
        tokio::spawn(async move { connectors.detach(&ctx(), &info).await })
    };
    // Long enough for the session to be given up by its first time-outs.
    tokio::time::sleep(Duration::from_secs(14)).await;
    run("ip", &link, &[]).await;
    let detached = detaching.await.expect("it ends").expect("detached");
    assert!(detached.unflushed.is_none(), "{detached:?}");
    assert_eq!(target.bytes(0)[..65536], [9; 65536]);
    assert_nothing_left(&target.iqn, Some(&attached.path));
    target.end().await;
    run("ip", &["address", "del", link[2], "dev", "lo"], &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn storage_that_hangs_is_waited_for_in_bounds_and_can_be_abandoned() {
    let mut target = Target::with_brake().await;
    let (connectors, info) = (connectors(), target.info(0));
    let attached = connectors.attach(&ctx(), &info).await.expect("attached");
    let device = File::options().write(true).open(&attached.path).expect("opened");
    device.write_all_at(&[9; 65536], 0).expect("into the cache");
    drop(device);
    target.brake(true).await;
    let error = connectors.detach(&lasting(Duration::from_secs(10)), &info).await.expect_err("it hangs");
    assert!(matches!(error, Error::Unflushed { .. }), "{error:?}");
    assert!(attached.path.exists(), "it is still attached");
    // The kernel does not let go of requests that the target may still answer: within its time, and not for good.
    let error = connectors.abandon(&lasting(Duration::from_secs(15)), &info).await.expect_err("it hangs");
    assert_eq!(error.kind(), Kind::Indeterminate, "{error}");
    assert!(records(&target.iqn).is_empty(), "the secret is gone in any case");
    target.brake(false).await;
    connectors.abandon(&ctx(), &info).await.expect("abandoned");
    assert_nothing_left(&target.iqn, Some(&attached.path));
    target.end().await;
}
