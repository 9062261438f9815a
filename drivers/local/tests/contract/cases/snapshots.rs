//! Snapshots, as far as files make them special.

use ashlar_common::driver::{Kind, SnapshotRef};

use crate::bench::{Bench, SIZE, assert_kind, assert_same, create, create_full, ctx, read_snapshot, snapshot};

/// delete.3: nothing depends on a file that was copied.
pub(crate) async fn snapshots_outlive_their_volume(bench: &Bench) {
    let driver = bench.driver();
    let (volume, content) = create_full(driver, 1).await;
    let frozen = snapshot(driver, &volume).await;
    driver.delete(&ctx(), &volume).await.expect("deleted");
    assert_same(&read_snapshot(driver, &frozen).await, &content);
}

/// Its record says whose it is.
pub(crate) async fn snapshot_of_another_volume_is_not_this_ones(bench: &Bench) {
    let driver = bench.driver();
    let (volume, _) = create_full(driver, 1).await;
    let frozen = snapshot(driver, &volume).await;
    let other = SnapshotRef { id: frozen.id, volume: create(driver, SIZE).await };
    assert_kind(driver.delete_snapshot(&ctx(), &other).await, Kind::Conflict);
    assert_eq!(driver.inspect_snapshot(&ctx(), &other).await.expect("looked"), None);
    assert!(driver.inspect_snapshot(&ctx(), &frozen).await.expect("looked").is_some());
}
