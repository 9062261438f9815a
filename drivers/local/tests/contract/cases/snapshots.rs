//! Snapshots, as far as files make them special.

use ashlar_common::driver::{Kind, SnapshotRef};

use crate::bench::{
    Bench, SIZE, assert_changed, assert_kind, assert_same, create, create_full, ctx, read, read_snapshot, snapshot,
    spec,
};

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

/// call.6: a volume that is removed while it is made once more was there or not. It is not damaged.
pub(crate) async fn a_volume_that_is_removed_while_it_is_made_again_was_there_or_not(bench: &Bench) {
    let driver = bench.driver();
    let frozen = snapshot(driver, &create(driver, SIZE).await).await;
    for _ in 0..100 {
        let same = spec(SIZE);
        driver.create(&ctx(), &same).await.expect("made");
        let (making, copying, removing) = (ctx(), ctx(), ctx());
        let (made, copied, removed) = tokio::join!(
            driver.create(&making, &same),
            driver.create_from_snapshot(&copying, &same, &frozen),
            driver.delete(&removing, &same.volume),
        );
        assert_changed(&removed.expect("removed"));
        for made in [made, copied] {
            let kind = made.err().map(|error| error.kind());
            assert!(matches!(kind, None | Some(Kind::Conflict)), "{kind:?}");
        }
        driver.delete(&ctx(), &same.volume).await.expect("removed");
    }
}

/// call.6: whoever copies from a snapshot that another removes has its bytes, or finds none. It is not damaged.
pub(crate) async fn a_snapshot_that_is_removed_while_it_is_used_was_there_or_not(bench: &Bench) {
    let driver = bench.driver();
    let (volume, before) = create_full(driver, 1).await;
    let revert = driver.revert().expect("it can revert");
    for _ in 0..40 {
        let frozen = snapshot(driver, &volume).await;
        let copy = spec(SIZE);
        let (reverting, copying, removing) = (ctx(), ctx(), ctx());
        let (reverted, copied, removed) = tokio::join!(
            revert.revert(&reverting, &frozen),
            driver.create_from_snapshot(&copying, &copy, &frozen),
            driver.delete_snapshot(&removing, &frozen),
        );
        assert_changed(&removed.expect("removed"));
        for used in [reverted, copied] {
            let kind = used.err().map(|error| error.kind());
            assert!(matches!(kind, None | Some(Kind::NotFound)), "{kind:?}");
        }
        driver.delete(&ctx(), &copy.volume).await.expect("removed");
    }
    assert_same(&read(driver, &volume).await, &before);
}
