//! Opening, and file systems that are full.

use std::fs;

use ashlar_common::driver::{Classified, Driver, Kind};
use ashlar_conformance::lab::FileSystem;
use ashlar_driver_local::{Error, LocalDriver, config::Provisioning};

use crate::bench::{
    Bench, SIZE, assert_changed, assert_kind, assert_same, config, create, create_full, ctx, listed, pattern, read,
    snapshot, spec, write,
};

pub(crate) fn directory_that_cannot_be_used_is_named_with_the_fix() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("file");
    fs::write(&file, b"").expect("written");
    let cases = [
        ("srv/volumes".into(), Kind::Invalid, "absolute"),
        (directory.path().join("missing"), Kind::Unavailable, "create it, or mount"),
        (file, Kind::Unavailable, "cannot open the directory"),
        ("/proc".into(), Kind::Unavailable, "let this user write there"),
    ];
    for (path, kind, says) in cases {
        let error = LocalDriver::open(config(&path)).expect_err("cannot be used");
        assert_eq!(error.kind(), kind, "{error}");
        let text = ashlar_common::driver::Error::from(error).chain();
        assert!(text.contains(says) && text.contains(path.to_str().expect("UTF-8")), "{text}");
    }
    let mut bad = config(directory.path());
    bad.reserved_percentage = 101;
    assert!(matches!(LocalDriver::open(bad), Err(Error::Setting { key: "reserved_percentage", .. })));
}

/// ext4 ends at 16 TiB a file.
pub(crate) async fn volume_that_no_file_can_be_is_invalid() {
    let bench = Bench::new(Some(FileSystem::Ext4)).await;
    assert_kind(bench.driver().create(&ctx(), &spec(1 << 46)).await, Kind::Invalid);
    let volume = create(bench.driver(), SIZE).await;
    assert_kind(bench.driver().extend(&ctx(), &volume, crate::bench::bytes(1 << 46)).await, Kind::Invalid);
    assert_eq!(listed(bench.driver()).await.0, vec![volume.id]);
    bench.assert_tidy();
}

/// create.3, and the same for copies and growth.
pub(crate) async fn full_file_system_is_out_of_space_and_nothing_is_left(file_system: FileSystem) {
    let bench = Bench::new(Some(file_system)).await;
    let thick = bench.open_again(|config| config.provisioning = Provisioning::Thick);
    let (volume, content) = create_full(&thick, 1).await;
    let frozen = snapshot(&thick, &volume).await;
    let before = (listed(&thick).await, free(&thick).await);
    let too_much = before.1 + (64 << 20);
    assert_kind(thick.create(&ctx(), &spec(too_much)).await, Kind::OutOfSpace);
    assert_kind(thick.create_from_snapshot(&ctx(), &spec(too_much), &frozen).await, Kind::OutOfSpace);
    assert_kind(thick.clone_volume(&ctx(), &spec(too_much), &volume).await, Kind::OutOfSpace);
    assert_kind(thick.extend(&ctx(), &volume, crate::bench::bytes(SIZE + too_much)).await, Kind::OutOfSpace);
    assert_eq!(listed(&thick).await, before.0);
    bench.assert_tidy();
    let seen = thick.inspect(&ctx(), &volume).await.expect("looked").expect("there");
    assert_eq!((seen.size, seen.allocated <= Some(crate::bench::bytes(SIZE * 2))), (crate::bench::bytes(SIZE), true));
    assert_same(&read(&thick, &volume).await, &content);

    // All that was taken is free again: a volume of most of it still fits.
    let most = before.1 / 2;
    assert_changed(&thick.create(&ctx(), &spec(most)).await.expect("there is room"));

    if matches!(file_system, FileSystem::Ext4) {
        // A thin copy finds out while it writes.
        let thin = bench.driver();
        let source = create(thin, before.1).await;
        write(thin, &source, 0, &pattern(3, before.1 / 3)).await;
        let before = listed(thin).await;
        assert_kind(thin.clone_volume(&ctx(), &spec(too_much), &source).await, Kind::OutOfSpace);
        assert_eq!(listed(thin).await, before);
    }
    bench.assert_tidy();
}

async fn free(driver: &dyn Driver) -> u64 {
    let stats = driver.stats(&ctx()).await.expect("known");
    stats.pools[0].free.known().expect("a number").bytes()
}
