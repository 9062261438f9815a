//! The schema's changes, up from every version that was released and down again.

use super::{Place, Store, volume};
use crate::store::{
    Error, Tx,
    engine::{Connection, location::Role, query, row},
    schema::{change_to, newest, upgrade},
};

/// What the first version of Ashlar wrote: its tables, filled, and the notes of the library that made them.
const FIRST: &str = concat!(include_str!("../../../migrations/0001_first.sql"), include_str!("first_release.sql"),);

/// Every table and column, in order.
async fn shape(connection: &mut Connection) -> Vec<String> {
    let asked = match connection {
        Connection::Sqlite(_) => {
            "SELECT m.name || '.' || c.name AS it FROM sqlite_master AS m, pragma_table_info(m.name) AS c \
             WHERE m.type = 'table' ORDER BY it"
        }
        Connection::Postgres(_) => {
            "SELECT table_name || '.' || column_name AS it FROM information_schema.columns \
             WHERE table_schema = 'public' ORDER BY it"
        }
    };
    connection.fetch(&query(asked), |row| row::text(row, "it")).await.expect("a shape")
}

#[tokio::test]
async fn every_change_can_be_undone_and_done_again() {
    let place = Place::new();
    let mut connection = upgrade(&place.location).await.expect("a store");
    let whole = shape(&mut connection).await;
    for version in (1..newest()).rev().chain(2..=newest()) {
        connection = change_to(&place.location, version).await.expect("changed");
    }
    assert_eq!(shape(&mut connection).await, whole);
}

#[tokio::test]
async fn going_back_and_forth_keeps_the_records_and_counts_them_anew() {
    let place = Place::new();
    let store = Store::open(&place.location).await.expect("a store");
    let kept = crate::store::records::VolumeRecord {
        place: Some(crate::store::records::Place {
            backend: "b".parse().expect("a name"),
            pool: "p".parse().expect("a name"),
        }),
        ..volume("kept", 0)
    };
    super::insert(&store, std::slice::from_ref(&kept)).await;
    store.close().await;
    change_to(&place.location, 1).await.expect("back to the first");
    let store = Store::open(&place.location).await.expect("and forth");
    let mut tx = store.read().await.expect("a view");
    assert_eq!(tx.volume(kept.id).await.expect("an answer"), Some(kept.clone()));
    let counted = tx.pool_use().await.expect("counted");
    assert_eq!(counted.iter().map(|pool| pool.provisioned).collect::<Vec<_>>(), [kept.provisioned]);
}

#[tokio::test]
async fn a_store_of_the_first_release_is_brought_up_to_date_with_all_it_holds() {
    let place = Place::in_a_file();
    place.location.prepare().expect("made");
    let mut connection = place.location.connect(Role::Writer).await.expect("connected");
    connection.script(FIRST).await.expect("written");
    drop(connection);
    let store = Store::open(&place.location).await.expect("brought up to date");
    let mut tx: Tx = store.read().await.expect("a view");
    let listing = crate::store::listing::Listing { limit: 10, ..Default::default() };
    let volumes = tx.list_volumes(&listing).await.expect("a list");
    assert_eq!(volumes.len(), 2);
    assert_eq!(tx.snapshots_of(volumes[1].id).await.expect("a list").len(), 1);
    assert_eq!(tx.operation_counts().await.expect("counts").len(), 2);
    assert_eq!(tx.pool_use().await.expect("counted"), tx.pool_use_by_records().await.expect("added up"));
}

#[tokio::test]
async fn versions_that_nobody_knows_are_refused() {
    let place = Place::new();
    for version in [0, -1, newest() + 1] {
        let refused = change_to(&place.location, version).await.map(drop).expect_err("refused");
        assert!(matches!(refused, Error::Schema(_)), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_start_at_once_bring_the_schema_up_to_date_once() {
    let place = Place::new();
    let starting: Vec<_> = (0..8)
        .map(|_| {
            let location = place.location.clone();
            tokio::spawn(async move { Store::open(&location).await })
        })
        .collect();
    for store in starting {
        store.await.expect("no panic").expect("opened");
    }
}
