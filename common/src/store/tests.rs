//! The store against a real SQLite file, and in the job `postgres` against a real server.

mod commits;
mod faults;
mod pool_use;
mod schema;
mod upkeep;

use std::os::unix::fs::PermissionsExt;

use super::{
    Location, PostgresLocation, Store,
    engine::{query, row},
    listing::{Column, Compare, Filter, Listing, Sort},
    records::{Metadata, Moment, VolumeRecord},
};
use crate::{
    ids::VolumeId,
    state::{Status, VolumeState},
    units::ByteCount,
};
use jiff::Timestamp;

/// A store, and what goes with it: in a file, or where the job asks for it, on PostgreSQL.
async fn store() -> (Store, Place) {
    let place = Place::new();
    (Store::open(&place.location).await.expect("a store"), place)
}

struct Place {
    location: Location,
    folder: tempfile::TempDir,
    /// On a server.
    _database: Option<ashlar_lab::postgres::Database>,
}

impl Place {
    fn new() -> Self {
        Self::of(ashlar_lab::postgres::asked_for().expect("the job's server"))
    }

    fn in_a_file() -> Self {
        Self::of(None)
    }

    fn of(database: Option<ashlar_lab::postgres::Database>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let location = match &database {
            None => Location::File(folder.path().join("store.sqlite")),
            Some(database) => Location::Postgres(PostgresLocation {
                url: database.url(),
                password_file: Some(database.address().password_file().to_owned()),
            }),
        };
        Self { location, folder, _database: database }
    }
}

fn volume(name: &str, age_micros: i64) -> VolumeRecord {
    let created_at = Timestamp::from_microsecond(1_700_000_000_000_000 - age_micros).expect("in range");
    let size = ByteCount::from_gib(1).expect("small");
    VolumeRecord {
        id: VolumeId::new(),
        project_id: "demo".to_owned(),
        user_id: "ann".to_owned(),
        name: Some(name.to_owned()),
        description: None,
        size,
        provisioned: size,
        state: VolumeState::Available,
        status: Status::Available,
        place: None,
        availability_zone: "nova".to_owned(),
        type_id: None,
        multi_attach: false,
        bootable: false,
        source_volume_id: None,
        source_snapshot_id: None,
        image_id: None,
        metadata: Metadata::new(),
        created_at,
        updated_at: None,
        promised: size,
        promised_moment: Moment::Past(0),
    }
}

async fn insert(store: &Store, volumes: &[VolumeRecord]) {
    let mut tx = store.write().await.expect("a transaction");
    for volume in volumes {
        tx.insert_volume(volume).await.expect("inserted");
    }
    tx.commit().await.expect("committed");
}

async fn list(store: &Store, listing: Listing) -> Vec<String> {
    let mut tx = store.read().await.expect("a view");
    let found = tx.list_volumes(&listing).await.expect("a list");
    found.into_iter().filter_map(|volume| volume.name).collect()
}

#[tokio::test]
async fn what_was_committed_is_there_after_opening_again_and_what_was_not_is_not() {
    let (store, place) = store().await;
    let (kept, dropped) = (volume("kept", 0), volume("dropped", 0));
    insert(&store, std::slice::from_ref(&kept)).await;
    let mut tx = store.write().await.expect("a transaction");
    tx.insert_volume(&dropped).await.expect("inserted");
    drop(tx);
    store.close().await;
    let store = Store::open(&place.location).await.expect("again");
    let mut tx = store.read().await.expect("a view");
    assert_eq!(tx.volume(kept.id).await.expect("an answer"), Some(kept));
    assert_eq!(tx.volume(dropped.id).await.expect("an answer"), None);
}

#[tokio::test]
async fn a_commit_survives_a_power_loss() {
    let place = Place::in_a_file();
    let store = Store::open(&place.location).await.expect("a store");
    let mut tx = store.write().await.expect("a transaction");
    // In SQLite's terms: a write-ahead log that is synced at every commit (FULL is 2).
    let journal = query("PRAGMA journal_mode").fetch_one(&mut tx, |row| row::text(row, "journal_mode")).await;
    assert_eq!(journal.expect("an answer"), "wal");
    for (pragma, column, wanted) in
        [("PRAGMA synchronous", "synchronous", 2), ("PRAGMA foreign_keys", "foreign_keys", 1)]
    {
        let set = query(pragma).fetch_one(&mut tx, |row| row::number(row, column)).await;
        assert_eq!(set.expect("an answer"), wanted, "{pragma}");
    }
}

#[tokio::test]
async fn nobody_else_may_read_the_file() {
    let place = Place::in_a_file();
    let _store = Store::open(&place.location).await.expect("a store");
    let mode = std::fs::metadata(place.folder.path().join("store.sqlite")).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn any_path_will_do() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().join("a ? b#c%20d/é/store.sqlite");
    let store = Store::open_file(&path).await.expect("a store");
    insert(&store, &[volume("x", 0)]).await;
    assert!(path.metadata().expect("at that very path").len() > 0 || path.with_extension("sqlite-wal").exists());
    store.close().await;
    assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 1);
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let (store, _place) = store().await;
    let mut tx = store.read().await.expect("a view");
    assert!(tx.insert_volume(&volume("x", 0)).await.is_err());
}

#[tokio::test]
async fn a_writer_waits_for_the_one_before_it() {
    let (store, _place) = store().await;
    let first = store.write().await.expect("a transaction");
    let second = {
        let store = store.clone();
        tokio::spawn(async move { insert(&store, &[volume("second", 0)]).await })
    };
    tokio::task::yield_now().await;
    assert!(!second.is_finished());
    drop(first);
    second.await.expect("its turn came");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_several_processes_take_turns_and_lose_nothing() {
    let (first, place) = store().await;
    // A second opening of the file has its own lock, as another process would.
    let second = Store::open(&place.location).await.expect("again");
    let mut writers = Vec::new();
    for index in 0..40 {
        let store = if index % 2 == 0 { first.clone() } else { second.clone() };
        writers.push(tokio::spawn(async move {
            let mut tx = store.write().await.expect("its turn");
            let before = tx.volumes_of_type(crate::ids::TypeId::new()).await.expect("an answer");
            tx.insert_volume(&volume(&format!("v{index}"), 0)).await.expect("inserted");
            if index % 5 == 0 {
                drop(tx);
            } else {
                tx.commit().await.expect("committed");
            }
            before
        }));
    }
    // Some go away while they wait for their turn.
    for writer in writers.iter().skip(1).step_by(10) {
        writer.abort();
    }
    let mut finished = 0;
    for (index, writer) in writers.into_iter().enumerate() {
        finished += u64::from(writer.await.is_ok() && index % 5 != 0);
    }
    let listing = Listing { limit: 100, ..Listing::default() };
    let kept = second.read().await.expect("a view").count_volumes(&listing).await.expect("a count");
    assert!(kept >= finished && kept <= 32, "{kept} kept of {finished} that were told so");
    insert(&first, &[volume("after", 0)]).await;
    insert(&second, &[volume("after", 0)]).await;
}

#[tokio::test]
async fn pages_hold_every_entry_once_in_order_also_where_values_are_equal() {
    let (store, _place) = store().await;
    let mut volumes: Vec<VolumeRecord> =
        (0..25).map(|index| volume(&format!("v{:02}", index % 4), index / 5)).collect();
    volumes[3].name = None;
    insert(&store, &volumes).await;
    for sort in [
        vec![],
        vec![Sort { column: Column::Name, ascending: true }],
        vec![Sort { column: Column::Name, ascending: false }],
    ] {
        let whole = Listing { sort: sort.clone(), limit: 100, ..Listing::default() };
        let mut tx = store.read().await.expect("a view");
        let all: Vec<VolumeId> =
            tx.list_volumes(&whole).await.expect("a list").iter().map(|volume| volume.id).collect();
        assert_eq!(all.len(), 25);
        let mut paged = Vec::new();
        loop {
            let marker = paged.last().map(VolumeId::to_string);
            let page = Listing { sort: sort.clone(), marker, limit: 7, ..Listing::default() };
            let ids: Vec<VolumeId> =
                tx.list_volumes(&page).await.expect("a page").iter().map(|volume| volume.id).collect();
            if ids.is_empty() {
                break;
            }
            paged.extend(ids);
        }
        assert_eq!(paged, all, "sorted by {sort:?}");
    }
}

#[tokio::test]
async fn filters_take_values_as_values() {
    let (store, _place) = store().await;
    let mut volumes = vec![volume("a%b", 3), volume("aXb", 2), volume("it's \"quoted\"", 1)];
    volumes[0].metadata = Metadata::from([("k".to_owned(), "v".to_owned()), ("l".to_owned(), "w".to_owned())]);
    volumes[1].metadata = Metadata::from([("k".to_owned(), "V".to_owned())]);
    volumes[2].metadata = Metadata::from([("x".to_owned(), "\"k\":\"v\"".to_owned())]);
    insert(&store, &volumes).await;
    let by =
        async |filter: Filter| list(&store, Listing { filters: vec![filter], limit: 100, ..Listing::default() }).await;
    assert_eq!(by(Filter::Like(Column::Name, "a%".to_owned())).await, ["a%b"]);
    assert_eq!(by(Filter::Is(Column::Name, vec!["it's \"quoted\"".to_owned()])).await, ["it's \"quoted\""]);
    assert_eq!(by(Filter::Metadata("k".to_owned(), "v".to_owned())).await, ["a%b"]);
    let newest = volumes[2].created_at.as_microsecond();
    assert_eq!(by(Filter::Time(Column::CreatedAt, Compare::Gte, newest)).await, ["it's \"quoted\""]);
    assert_eq!(by(Filter::Flag(Column::Bootable, true)).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_list_of_one_project_holds_nothing_of_another() {
    let (store, _place) = store().await;
    let mut other = volume("theirs", 0);
    other.project_id = "other".to_owned();
    insert(&store, &[volume("mine", 0), other]).await;
    let listing = Listing { project_id: Some("demo".to_owned()), limit: 100, ..Listing::default() };
    assert_eq!(list(&store, listing.clone()).await, ["mine"]);
    assert_eq!(store.read().await.expect("a view").count_volumes(&listing).await.expect("a count"), 1);
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused() {
    let (store, place) = store().await;
    let mut tx = store.write().await.expect("a transaction");
    query("INSERT INTO schema_changes (number, name) VALUES (9999, 'x')").execute(&mut tx).await.expect("written");
    tx.commit().await.expect("committed");
    store.close().await;
    let error = Store::open(&place.location).await.expect_err("refused");
    assert!(error.to_string().contains("newer program"), "{error}");
}
