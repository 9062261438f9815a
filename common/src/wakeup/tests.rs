use std::{fs, path::Path, time::Duration};

use super::{
    Bell, Ear, Sleeper,
    sockets::{MAX_APIS, of_apis},
};
use crate::store::{Location, PostgresLocation, Store};

/// Nothing here takes a tenth of this.
const PATIENCE: Duration = Duration::from_secs(30);

async fn hears(ear: &Ear) {
    tokio::time::timeout(PATIENCE, ear.heard()).await.expect("heard");
}

fn apis(directory: &Path) -> usize {
    of_apis(&fs::File::open(directory).expect("a directory")).expect("read").len()
}

#[tokio::test]
async fn a_ring_is_heard_however_deep_the_directory() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let deep = root.path().join("d".repeat(120)).join("e".repeat(120));
    fs::create_dir_all(&deep).expect("a deep directory");
    let bell = Bell::new(&deep).expect("a bell");
    for sleeper in [Sleeper::Host("fast".parse().expect("a name")), Sleeper::Api] {
        let ear = Ear::bind(&deep, &sleeper).expect("an ear");
        bell.ring(&sleeper);
        hears(&ear).await;
    }
}

#[tokio::test]
async fn ringing_for_nobody_is_no_error() {
    let root = tempfile::tempdir().expect("a temporary directory");
    Bell::new(root.path()).expect("a bell").ring(&Sleeper::Api);
}

#[tokio::test]
async fn every_api_process_is_woken() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let ears: Vec<_> = (0..3).map(|_| Ear::bind(root.path(), &Sleeper::Api).expect("an ear")).collect();
    Bell::new(root.path()).expect("a bell").ring(&Sleeper::Api);
    for ear in &ears {
        hears(ear).await;
    }
    drop(ears);
    assert_eq!(fs::read_dir(root.path()).expect("read").count(), 0, "each takes its socket along");
}

#[tokio::test]
async fn the_socket_of_a_dead_api_process_goes_with_the_next_ring() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let ear = Ear::bind(root.path(), &Sleeper::Api).expect("an ear");
    // What a killed process leaves behind: a name that nobody has open.
    drop(std::os::unix::net::UnixDatagram::bind(root.path().join("api-dead.sock")).expect("a socket"));
    assert_eq!(apis(root.path()), 2);
    Bell::new(root.path()).expect("a bell").ring(&Sleeper::Api);
    hears(&ear).await;
    assert_eq!(apis(root.path()), 1);
}

#[tokio::test]
async fn there_are_so_many_and_the_dead_do_not_count() {
    let root = tempfile::tempdir().expect("a temporary directory");
    for dead in 0..MAX_APIS {
        drop(std::os::unix::net::UnixDatagram::bind(root.path().join(format!("api-{dead}.sock"))).expect("a socket"));
    }
    let mut ears: Vec<_> = (0..MAX_APIS).map(|_| Ear::bind(root.path(), &Sleeper::Api).expect("an ear")).collect();
    let refused = Ear::bind(root.path(), &Sleeper::Api).expect_err("one too many");
    assert!(refused.to_string().contains("64"), "{refused}");
    ears.pop();
    Ear::bind(root.path(), &Sleeper::Api).expect("there is room again");
}

#[tokio::test]
async fn every_host_of_a_backend_is_woken_also_beside_a_dead_one() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let sleeper = Sleeper::Host("fast".parse().expect("a name"));
    let seat = |number| Ear::bind_seat(root.path(), &sleeper, number).expect("an ear");
    let mut ears: Vec<_> = (0..3).map(seat).collect();
    ears.remove(1);
    Bell::new(root.path()).expect("a bell").ring(&sleeper);
    for ear in &ears {
        hears(ear).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ring_comes_to_other_machines_by_the_server_also_after_it_lost_all_connections() {
    let database = ashlar_lab::postgres::database().expect("a server");
    let location = Location::Postgres(PostgresLocation {
        url: database.url(),
        password_file: Some(database.address().password_file().to_owned()),
    });
    let store = Store::open(&location).await.expect("a store");
    let (here, there) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("another"));
    let (fast, slow) = (Sleeper::Host("fast".parse().expect("a name")), Sleeper::Host("slow".parse().expect("a name")));
    let ear = Ear::bind(here.path(), &fast).expect("an ear").with(&store, &fast);
    let other = Ear::bind(here.path(), &slow).expect("an ear").with(&store, &slow);
    let bell = Bell::new(there.path()).expect("a bell").with(&store);
    // Whoever begins to listen is woken once, since nobody knows what was rung before.
    hears(&ear).await;
    hears(&other).await;
    bell.ring(&fast);
    hears(&ear).await;
    assert!(database.cut().expect("cut") >= 3, "two that listen, one that rings");
    // What is rung now may be lost: the ears are woken when they listen again.
    hears(&ear).await;
    hears(&other).await;
    let rung = async {
        loop {
            bell.ring(&fast);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        () = rung => {}
        () = hears(&ear) => {}
    }
    let unheard = is_silent(other.heard());
    assert!(unheard, "it was not for the other");
    store.close().await;
}

/// Whether a future has nothing to say yet.
fn is_silent(future: impl Future<Output = ()>) -> bool {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    std::pin::pin!(future).poll(&mut context).is_pending()
}
