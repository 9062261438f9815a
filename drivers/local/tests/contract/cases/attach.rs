//! Attaching and detaching.

use std::{fs, io::ErrorKind, os::unix::fs::PermissionsExt};

use ashlar_common::{
    driver::{AccessMode, Capabilities, Detach, Driver, Kind, Outcome},
    ids::AttachmentId,
};

use crate::bench::{
    Bench, SIZE, assert_changed, assert_kind, assert_unchanged, attachment, bytes, create, ctx, device_path, names,
    spec,
};

/// attach.1
pub(crate) async fn attach_again_is_the_same_connection(bench: &Bench) {
    let driver = bench.driver();
    let volume = create(driver, SIZE).await;
    let mut hold = attachment(AccessMode::ReadWrite);
    let first = driver.attach(&ctx(), &volume, &hold).await.expect("attached");
    assert_changed(&first);
    let again = driver.attach(&ctx(), &volume, &hold).await.expect("again");
    assert_unchanged(&again);
    let connection = again.into_inner();
    assert_eq!(connection, first.into_inner());
    assert_eq!(connection.driver_volume_type, "local");
    assert!(device_path(&connection).is_absolute());
    assert_eq!(fs::metadata(device_path(&connection)).expect("there").len(), SIZE);
    let seen = driver.inspect(&ctx(), &volume).await.expect("looked").expect("there");
    assert_eq!(seen.attachments, vec![hold.id]);
    hold.mode = AccessMode::ReadOnly;
    assert_kind(driver.attach(&ctx(), &volume, &hold).await, Kind::Conflict);
}

/// attach.2
pub(crate) async fn second_attachment_is_refused(bench: &Bench) {
    let driver = bench.driver();
    assert!(!Capabilities::of(driver).multi_attach);
    let volume = create(driver, SIZE).await;
    let (first, second) = (attachment(AccessMode::ReadWrite), attachment(AccessMode::ReadOnly));
    driver.attach(&ctx(), &volume, &first).await.expect("attached");
    assert_kind(driver.attach(&ctx(), &volume, &second).await, Kind::Busy);
    driver.detach(&ctx(), &volume, Detach::One(first.id)).await.expect("detached");
    driver.attach(&ctx(), &volume, &second).await.expect("free again");
}

/// attach.2, by two drivers that know nothing of each other
pub(crate) async fn of_attachments_at_once_one_wins(bench: &Bench) {
    let volume = create(bench.driver(), SIZE).await;
    let other = bench.open_again(|_| {});
    let tries: Vec<_> = (0..8)
        .map(|number| {
            let driver = if number % 2 == 0 { bench.local.clone() } else { other.clone() };
            let volume = volume.clone();
            tokio::spawn(async move { driver.attach(&ctx(), &volume, &attachment(AccessMode::ReadWrite)).await })
        })
        .collect();
    let mut winners = 0;
    for attempt in tries {
        match attempt.await.expect("no panic") {
            Ok(Outcome::Changed(_)) => winners += 1,
            other => assert_kind(other, Kind::Busy),
        }
    }
    assert_eq!(winners, 1);
    let seen = bench.driver().inspect(&ctx(), &volume).await.expect("looked").expect("there");
    assert_eq!(seen.attachments.len(), 1);
}

/// detach.1
pub(crate) async fn detach_of_the_unknown_is_unchanged(bench: &Bench) {
    let driver = bench.driver();
    let volume = create(driver, SIZE).await;
    for of in [&volume, &spec(SIZE).volume] {
        for which in [Detach::One(AttachmentId::new()), Detach::All] {
            assert_unchanged(&driver.detach(&ctx(), of, which).await.expect("nothing to do"));
        }
    }
}

/// detach.2
pub(crate) async fn old_path_opens_nothing_after_detach(bench: &Bench) {
    let driver = bench.driver();
    let volume = create(driver, SIZE).await;
    let hold = attachment(AccessMode::ReadWrite);
    let connection = driver.attach(&ctx(), &volume, &hold).await.expect("attached").into_inner();
    let path = device_path(&connection);
    assert_changed(&driver.detach(&ctx(), &volume, Detach::One(hold.id)).await.expect("detached"));
    assert_unchanged(&driver.detach(&ctx(), &volume, Detach::One(hold.id)).await.expect("again"));
    assert_eq!(fs::File::open(&path).expect_err("gone").kind(), ErrorKind::NotFound);
    driver.attach(&ctx(), &volume, &attachment(AccessMode::ReadWrite)).await.expect("attached anew");
    assert_eq!(fs::File::open(&path).expect_err("still gone").kind(), ErrorKind::NotFound);
}

/// detach.2
pub(crate) async fn detach_all_leaves_none(bench: &Bench) {
    let several = bench.open_again(|config| config.multi_attach = true);
    let volume = create(&several, SIZE).await;
    for mode in [AccessMode::ReadWrite; 3] {
        several.attach(&ctx(), &volume, &attachment(mode)).await.expect("attached");
    }
    // Known or not: a link that nobody remembers goes too.
    let links = bench.root().join("attachments").join(volume.id.to_string());
    let one = names(&links).remove(0);
    fs::hard_link(links.join(one), links.join("forgotten")).expect("linked");
    assert_changed(&several.detach(&ctx(), &volume, Detach::All).await.expect("detached"));
    assert_eq!(names(&bench.root().join("attachments")), Vec::<String>::new());
    let seen = several.inspect(&ctx(), &volume).await.expect("looked").expect("there");
    assert_eq!(seen.attachments, vec![]);
}

/// detach.2, also of a volume that cannot be used any more
pub(crate) async fn detach_of_a_damaged_volume_leaves_no_export(bench: &Bench) {
    let driver = bench.driver();
    let volume = create(driver, SIZE).await;
    let hold = attachment(AccessMode::ReadWrite);
    let connection = driver.attach(&ctx(), &volume, &hold).await.expect("attached").into_inner();
    fs::remove_file(bench.root().join(format!("volumes/volume-{}/record", volume.id))).expect("damaged");
    assert_kind(driver.delete(&ctx(), &volume).await, Kind::Fatal);
    assert_changed(&driver.detach(&ctx(), &volume, Detach::One(hold.id)).await.expect("detached"));
    assert!(!device_path(&connection).exists());
}

/// delete.2
pub(crate) async fn delete_of_an_attached_volume_is_refused(bench: &Bench) {
    let driver = bench.driver();
    let volume = create(driver, SIZE).await;
    let hold = attachment(AccessMode::ReadWrite);
    let connection = driver.attach(&ctx(), &volume, &hold).await.expect("attached").into_inner();
    fs::write(device_path(&connection), b"kept").expect("written");
    assert_kind(driver.delete(&ctx(), &volume).await, Kind::Busy);
    assert_eq!(fs::read(device_path(&connection)).expect("read"), b"kept");
    driver.detach(&ctx(), &volume, Detach::All).await.expect("detached");
    assert_changed(&driver.delete(&ctx(), &volume).await.expect("deleted"));
    assert_eq!(names(&bench.root().join("volumes")), Vec::<String>::new());
}

pub(crate) async fn read_only_takes_the_right_to_write(bench: &Bench) {
    let driver = bench.driver();
    let volume = create(driver, SIZE).await;
    let hold = attachment(AccessMode::ReadOnly);
    let connection = driver.attach(&ctx(), &volume, &hold).await.expect("attached").into_inner();
    assert_eq!(connection.data.get("access_mode").and_then(serde_json::Value::as_str), Some("ro"));
    let mode = fs::metadata(device_path(&connection)).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o400);
    driver.extend(&ctx(), &volume, bytes(SIZE * 2)).await.expect("the driver may still grow it");
    driver.detach(&ctx(), &volume, Detach::All).await.expect("detached");
    let writing = driver.attach(&ctx(), &volume, &attachment(AccessMode::ReadWrite)).await.expect("attached");
    let mode = fs::metadata(device_path(&writing.into_inner())).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// MultiAttach, detach.3
pub(crate) async fn several_attachments_where_configured(bench: &Bench) {
    let several = bench.open_again(|config| config.multi_attach = true);
    let max = several.multi_attach().expect("configured").max_attachments();
    let volume = create(&several, SIZE).await;
    let holds: Vec<_> = (0..max).map(|_| attachment(AccessMode::ReadWrite)).collect();
    let mut paths = Vec::new();
    for hold in &holds {
        let connection = several.attach(&ctx(), &volume, hold).await.expect("attached").into_inner();
        paths.push(device_path(&connection));
    }
    assert_kind(several.attach(&ctx(), &volume, &attachment(AccessMode::ReadWrite)).await, Kind::Busy);
    several.detach(&ctx(), &volume, Detach::One(holds[0].id)).await.expect("detached");
    assert!(!paths[0].exists());
    fs::write(&paths[1], b"seen by all").expect("written");
    assert_eq!(fs::read(&paths[2]).expect("read"), b"seen by all");
}

pub(crate) async fn attachment_of_a_missing_volume_is_not_found(bench: &Bench) {
    let driver = bench.driver();
    let absent = spec(SIZE).volume;
    assert_kind(driver.attach(&ctx(), &absent, &attachment(AccessMode::ReadWrite)).await, Kind::NotFound);
    assert_eq!(names(&bench.root().join("attachments")), Vec::<String>::new());
}
