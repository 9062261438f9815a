//! Stores as a whole: looked at, copied to the same engine or the other, and taken down and up.

use super::{Place, Store, volume};
use crate::{
    store::{
        records::Place as On,
        upkeep::{Error, change_schema, copy, status},
    },
    units::ByteCount,
};

async fn filled(place: &Place, volumes: u64) {
    let store = Store::open(&place.location).await.expect("a store");
    let mut tx = store.write().await.expect("its turn");
    let on = On { backend: "b".parse().expect("a name"), pool: "p".parse().expect("a name") };
    for index in 0..volumes {
        let micros = i64::try_from(index).expect("few");
        let mut record = volume("é 'quoted' \u{1f980}", micros);
        record.place = Some(on.clone());
        record.provisioned = ByteCount::new((1 << 62) / volumes - index).expect("in range");
        tx.insert_volume(&record).await.expect("inserted");
    }
    tx.commit().await.expect("committed");
    store.close().await;
}

#[tokio::test]
async fn a_copy_is_the_same_in_every_row_and_goes_on_where_the_first_stood() {
    // In the job `postgres`: to a server and back to a file.
    let (file, other, back) = (Place::in_a_file(), Place::new(), Place::in_a_file());
    filled(&file, 1234).await;
    let mut told = 0;
    let there = copy(&file.location, &other.location, |_| told += 1).await.expect("copied");
    assert!(told > there.len(), "in pieces");
    assert_eq!(there.iter().find(|table| table.table == "volumes").map(|table| table.rows), Some(1234));
    let here = copy(&other.location, &back.location, |_| {}).await.expect("copied back");
    assert_eq!(there, here, "counts and checksums");
    let seen = status(&back.location).await.expect("a status");
    assert_eq!((seen.schema, seen.pool_use_agrees), (seen.newest_schema, Some(true)));
    assert!(seen.tables.iter().any(|table| table.table == "volumes" && table.rows == 1234), "{seen:?}");
    filled(
        &Place { location: back.location.clone(), folder: tempfile::tempdir().expect("a folder"), _database: None },
        3,
    )
    .await;
}

#[tokio::test]
async fn what_is_not_empty_is_not_copied_to_and_stays_as_it_is() {
    let (file, other) = (Place::in_a_file(), Place::new());
    filled(&file, 3).await;
    filled(&other, 2).await;
    let before = status(&other.location).await.expect("a status").tables;
    let refused = copy(&file.location, &other.location, |_| {}).await.expect_err("refused");
    assert!(matches!(&refused, Error::NotEmpty { rows: 1 | 2, .. }), "{refused:?}");
    assert_eq!(status(&other.location).await.expect("a status").tables, before);
    let refused = copy(&file.location, &file.location, |_| {}).await.expect_err("refused");
    assert!(matches!(refused, Error::Same), "{refused:?}");
}

#[tokio::test]
async fn a_store_in_use_is_looked_at_but_neither_copied_nor_changed() {
    let (place, other) = (Place::in_a_file(), Place::new());
    filled(&place, 1).await;
    let crate::store::Location::File(path) = &place.location else { panic!("a file") };
    // Another process that has it open, until its standard input ends.
    let file = std::fs::File::open(path).expect("there");
    let (keep, wait) = std::io::pipe().map(|(read, write)| (write, read)).expect("a pipe");
    #[expect(clippy::disallowed_methods, reason = "a process with an open file, which `exec` gives to none")]
    let mut user = std::process::Command::new("/bin/cat").stdin(wait).stdout(file).spawn().expect("cat");
    let seen = status(&place.location).await.expect("a status");
    assert!(seen.used_by.iter().any(|by| by.contains(&user.id().to_string())), "{seen:?}");
    for refused in [
        copy(&place.location, &other.location, |_| {}).await.map(drop),
        change_schema(&place.location, 1).await.map(drop),
    ] {
        assert!(matches!(&refused, Err(Error::InUse { .. })), "{refused:?}");
    }
    drop(keep);
    user.wait().expect("ended");
    copy(&place.location, &other.location, |_| {}).await.expect("copied");
}

#[tokio::test]
async fn on_a_server_connections_of_others_are_seen() {
    let (place, file) = (Place::new(), Place::in_a_file());
    let store = Store::open(&place.location).await.expect("a store");
    drop(store.read().await.expect("a view"));
    let on_server = matches!(place.location, crate::store::Location::Postgres(_));
    let copied = copy(&place.location, &file.location, |_| {}).await;
    // A file's users are processes, and this one is itself.
    assert_eq!(matches!(copied, Err(Error::InUse { .. })), on_server, "{copied:?}");
    store.close().await;
    // Where it was seen, there is no copy yet.
    if on_server {
        copy(&place.location, &file.location, |_| {}).await.expect("copied");
    }
}

#[tokio::test]
async fn the_schema_goes_down_and_up_with_what_it_holds() {
    let place = Place::new();
    filled(&place, 7).await;
    let newest = status(&place.location).await.expect("a status").newest_schema;
    assert_eq!(change_schema(&place.location, 1).await.expect("down"), newest);
    let old = status(&place.location).await.expect("a status");
    assert_eq!((old.schema, old.pool_use_agrees), (1, None));
    assert!(old.tables.iter().all(|table| table.table != "pool_use"), "{old:?}");
    let refused = copy(&place.location, &Place::in_a_file().location, |_| {}).await.expect_err("refused");
    assert!(matches!(refused, Error::Version { found: 1, .. }), "{refused:?}");
    assert_eq!(change_schema(&place.location, newest).await.expect("up"), 1);
    assert_eq!(status(&place.location).await.expect("a status").pool_use_agrees, Some(true));
}

#[tokio::test]
async fn a_store_that_is_not_there_is_not_made() {
    let place = Place::in_a_file();
    let refused = status(&place.location).await.expect_err("refused");
    assert!(matches!(refused, crate::store::Error::File { .. }), "{refused:?}");
    assert_eq!(std::fs::read_dir(place.folder.path()).expect("readable").count(), 0);
}
