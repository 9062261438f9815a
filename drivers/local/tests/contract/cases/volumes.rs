//! Making, removing, growing, listing.

use std::fs;

use ashlar_common::stats::Capacity;
use ashlar_driver_local::config::Provisioning;

use crate::bench::{Bench, SIZE, assert_same, bytes, create, ctx, pattern, read, snapshot, write};

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
