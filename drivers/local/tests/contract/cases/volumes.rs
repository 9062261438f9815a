//! Making, removing, growing, listing.

use std::{fs, os::unix::fs::FileExt};

use ashlar_common::{
    driver::{AccessMode, Detach, Kind, Outcome},
    stats::Capacity,
};
use ashlar_driver_local::config::Provisioning;

use crate::bench::{
    Bench, SIZE, assert_changed, assert_kind, assert_same, assert_unchanged, attachment, bytes, create, create_full,
    ctx, device_path, listed, open_rw, pattern, read, snapshot, spec, write,
};

/// create.1
pub(crate) async fn create_gives_exactly_the_size_and_reads_zero(bench: &Bench) {
    let driver = bench.driver();
    let spec = spec(SIZE);
    let outcome = driver.create(&ctx(), &spec).await.expect("created");
    assert_changed(&outcome);
    let volume = outcome.into_inner();
    assert_eq!((volume.size, volume.attachments.len()), (bytes(SIZE), 0));
    assert_eq!(driver.inspect(&ctx(), &spec.volume).await.expect("looked"), Some(volume));
    assert_same(&read(driver, &spec.volume).await, &vec![0; usize::try_from(SIZE).expect("small")]);
}

/// create.2
pub(crate) async fn create_again_is_unchanged_and_otherwise_a_conflict(bench: &Bench) {
    let driver = bench.driver();
    let mut spec = spec(SIZE);
    driver.create(&ctx(), &spec).await.expect("created");
    write(driver, &spec.volume, 7, b"kept").await;
    assert_unchanged(&driver.create(&ctx(), &spec).await.expect("again"));
    spec.size = bytes(SIZE * 2);
    assert_kind(driver.create(&ctx(), &spec).await, Kind::Conflict);
    assert_eq!(&read(driver, &spec.volume).await[7..11], b"kept");
}

pub(crate) async fn create_of_no_bytes_is_invalid(bench: &Bench) {
    assert_kind(bench.driver().create(&ctx(), &spec(0)).await, Kind::Invalid);
    assert_eq!(listed(bench.driver()).await.0, vec![]);
}

pub(crate) async fn create_thick_takes_its_room_at_once(bench: &Bench) {
    let thick = bench.open_again(|config| config.provisioning = Provisioning::Thick);
    let driver: &dyn ashlar_common::driver::Driver = &thick;
    let volume = create(driver, SIZE).await;
    let allocated = |volume: Option<ashlar_common::driver::Volume>| volume.and_then(|volume| volume.allocated);
    let taken = allocated(driver.inspect(&ctx(), &volume).await.expect("looked"));
    assert!(taken >= Some(bytes(SIZE)), "{taken:?}");
    driver.extend(&ctx(), &volume, bytes(SIZE * 2)).await.expect("grown");
    let taken = allocated(driver.inspect(&ctx(), &volume).await.expect("looked"));
    assert!(taken >= Some(bytes(SIZE * 2)), "{taken:?}");
    assert_same(&read(driver, &volume).await, &vec![0; usize::try_from(SIZE * 2).expect("small")]);
}

/// delete.1
pub(crate) async fn delete_twice_and_of_the_unknown_is_unchanged(bench: &Bench) {
    let driver = bench.driver();
    let volume = create(driver, SIZE).await;
    assert_changed(&driver.delete(&ctx(), &volume).await.expect("deleted"));
    assert_unchanged(&driver.delete(&ctx(), &volume).await.expect("again"));
    assert_unchanged(&driver.delete(&ctx(), &spec(SIZE).volume).await.expect("unknown"));
    assert_eq!(driver.inspect(&ctx(), &volume).await.expect("looked"), None);
}

/// extend.1, extend.2
pub(crate) async fn extend_keeps_the_bytes_and_adds_zeros(bench: &Bench) {
    let driver = bench.driver();
    let (volume, mut content) = create_full(driver, 1).await;
    assert_kind(driver.extend(&ctx(), &volume, bytes(SIZE - 1)).await, Kind::Invalid);
    assert_unchanged(&driver.extend(&ctx(), &volume, bytes(SIZE)).await.expect("same size"));
    let outcome = driver.extend(&ctx(), &volume, bytes(SIZE * 2)).await.expect("grown");
    assert_changed(&outcome);
    assert_eq!(outcome.into_inner().size, bytes(SIZE * 2));
    content.resize(content.len() * 2, 0);
    assert_same(&read(driver, &volume).await, &content);
    assert_kind(driver.extend(&ctx(), &spec(SIZE).volume, bytes(SIZE)).await, Kind::NotFound);
}

/// OnlineExtend
pub(crate) async fn extend_reaches_a_client_that_holds_the_file(bench: &Bench) {
    let driver = bench.driver();
    let volume = create(driver, SIZE).await;
    let hold = attachment(AccessMode::ReadWrite);
    let connection = driver.attach(&ctx(), &volume, &hold).await.expect("attached").into_inner();
    let file = open_rw(&device_path(&connection));
    let online = driver.online_extend().expect("files grow while they are open");
    online.extend_attached(&ctx(), &volume, bytes(SIZE * 2)).await.expect("grown");
    assert_eq!(file.metadata().expect("looked").len(), SIZE * 2);
    file.write_all_at(b"beyond", SIZE + 9).expect("written");
    driver.detach(&ctx(), &volume, Detach::All).await.expect("detached");
    let start = usize::try_from(SIZE).expect("small") + 9;
    assert_eq!(&read(driver, &volume).await[start..start + 6], b"beyond");
}

/// list.1
pub(crate) async fn list_equals_reality_and_leaves_strangers_out(bench: &Bench) {
    let driver = bench.driver();
    let mut volumes = Vec::new();
    for _ in 0..5 {
        volumes.push(create(driver, SIZE).await);
    }
    let mut snapshots = vec![snapshot(driver, &volumes[0]).await, snapshot(driver, &volumes[1]).await];
    driver.delete(&ctx(), &volumes.remove(2)).await.expect("deleted");
    for stranger in ["volumes/readme.txt", "volumes/volume-x", "snapshots/notes", "lost"] {
        fs::write(bench.root().join(stranger), b"not ours").expect("written");
    }
    volumes.sort();
    snapshots.sort();
    let inventory = driver.list(&ctx()).await.expect("listed");
    let found: Vec<_> = inventory.volumes.iter().map(|volume| volume.volume.clone()).collect();
    assert_eq!(found, volumes);
    let found: Vec<_> = inventory.snapshots.iter().map(|snapshot| snapshot.snapshot.clone()).collect();
    assert_eq!(found, snapshots);
    for volume in inventory.volumes {
        assert_eq!(driver.inspect(&ctx(), &volume.volume).await.expect("looked"), Some(volume));
    }
}

pub(crate) async fn another_pool_is_refused_not_empty(bench: &Bench) {
    let driver = bench.driver();
    let mut volume = create(driver, SIZE).await;
    volume.pool = "elsewhere".parse().expect("a name");
    assert_kind(driver.inspect(&ctx(), &volume).await, Kind::Invalid);
    assert_kind(driver.delete(&ctx(), &volume).await, Kind::Invalid);
    assert_eq!(listed(driver).await.0, vec![volume.id]);
}

/// call.5
pub(crate) async fn creates_at_once_make_one_volume(bench: &Bench) {
    let spec = spec(SIZE);
    let context = ctx();
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let (driver, spec, context) = (bench.local.clone(), spec.clone(), context.clone());
            tokio::spawn(async move { ashlar_common::driver::Driver::create(&driver, &context, &spec).await })
        })
        .collect();
    let mut changed = 0;
    for attempt in tries {
        let outcome = attempt.await.expect("no panic").expect("created or there");
        changed += u32::from(matches!(outcome, Outcome::Changed(_)));
    }
    assert_eq!(changed, 1);
    assert_eq!(listed(bench.driver()).await.0, vec![spec.volume.id]);
}

/// call.5
pub(crate) async fn deletes_at_once_remove_it_once(bench: &Bench) {
    let volume = create(bench.driver(), SIZE).await;
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let (driver, volume) = (bench.local.clone(), volume.clone());
            tokio::spawn(async move { ashlar_common::driver::Driver::delete(&driver, &ctx(), &volume).await })
        })
        .collect();
    let mut changed = 0;
    for attempt in tries {
        let outcome = attempt.await.expect("no panic").expect("deleted or gone");
        changed += u32::from(matches!(outcome, Outcome::Changed(())));
    }
    assert_eq!(changed, 1);
}

/// stats.1
pub(crate) async fn statistics_are_those_of_the_file_system(bench: &Bench) {
    let driver = bench.driver();
    let stats = driver.stats(&ctx()).await.expect("known");
    let [pool] = stats.pools.as_slice() else { panic!("one pool: {stats:?}") };
    let room = rustix::fs::statvfs(bench.root()).expect("a file system");
    assert_eq!(pool.total, Capacity::Known(bytes(room.f_blocks * room.f_frsize)));
    assert!(pool.free.known() <= pool.total.known());
    assert_eq!(pool.allocated, Capacity::Unknown);
    // A thin volume takes no room until it is written.
    let volume = create(driver, 1 << 30).await;
    let allocated = driver.inspect(&ctx(), &volume).await.expect("looked").and_then(|volume| volume.allocated);
    assert!(allocated < Some(bytes(1 << 20)), "{allocated:?}");
    write(driver, &volume, 0, &pattern(2, 1 << 20)).await;
    let allocated = driver.inspect(&ctx(), &volume).await.expect("looked").and_then(|volume| volume.allocated);
    assert!(allocated >= Some(bytes(1 << 20)), "{allocated:?}");
}
