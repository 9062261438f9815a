//! Servers that are killed, stopped for a while, or replaced by the one that follows them.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use ashlar_common::store::{Error, Store};
use ashlar_lab::postgres::{Settings, Stop};

use crate::bench::{Bench, names, write};

/// Writers at work.
struct Load {
    stop: Arc<AtomicBool>,
    told: Arc<Mutex<Vec<String>>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn begin(store: &Store) -> Self {
        let (stop, told) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<String>>>::default());
        let tasks = (0..8).map(|writer| {
            let (store, stop, told) = (store.clone(), Arc::clone(&stop), Arc::clone(&told));
            tokio::spawn(async move {
                let mut number = 0;
                while !stop.load(Ordering::SeqCst) {
                    number += 1;
                    let name = format!("{writer}-{number}");
                    match write(&store, &name).await {
                        Ok(()) => told.lock().expect("no panic").push(name),
                        Err(Error::Away(_) | Error::Unknown | Error::Busy | Error::ReadOnly(_)) => {
                            tokio::task::yield_now().await
                        }
                        Err(other) => panic!("{other:?}"),
                    }
                }
            })
        });
        Self { tasks: tasks.collect(), stop, told }
    }

    fn told(&self) -> usize {
        self.told.lock().expect("no panic").len()
    }

    /// Waits until so many more were acknowledged.
    async fn goes_on(&self, more: usize) {
        let before = self.told();
        while self.told() < before + more {
            assert!(self.tasks.iter().all(|task| !task.is_finished()), "a writer ended");
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }

    /// Ends; what was acknowledged is there, each once.
    async fn ends(self, store: &Store) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.expect("no panic");
        }
        let kept = names(store).await.expect("shown");
        let told = self.told.lock().expect("no panic").clone();
        let lost: Vec<_> = told.iter().filter(|name| kept.binary_search(name).is_err()).collect();
        assert!(lost.is_empty(), "acknowledged and not there: {lost:?}");
        assert!(kept.windows(2).all(|pair| pair[0] != pair[1]), "done twice");
        told.len()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_the_server_is_killed_under_load() {
    let mut bench = Bench::durable().await;
    let load = Load::begin(&bench.store);
    for _ in 0..5 {
        load.goes_on(25).await;
        bench.server.kill().expect("killed");
        bench.server.restart().expect("restarted");
    }
    load.goes_on(25).await;
    assert!(load.ends(&bench.store).await >= 150);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_cut_under_load_lose_and_double_nothing() {
    let bench = Bench::quick().await;
    let load = Load::begin(&bench.store);
    for _ in 0..20 {
        load.goes_on(10).await;
        let _count = bench.proxy.cut();
    }
    load.goes_on(10).await;
    assert!(load.ends(&bench.store).await >= 210);
}

#[tokio::test]
async fn a_server_that_is_gone_is_said_to_be_away_and_taken_up_when_it_is_back() {
    let mut bench = Bench::quick().await;
    write(&bench.store, "before").await.expect("written");
    // Readers and writers lie idle with connections that are about to be lost.
    names(&bench.store).await.expect("shown");
    bench.server.stop(Stop::Fast).expect("stopped");
    for index in 0..10 {
        let refused = write(&bench.store, &format!("while-{index}")).await.expect_err("nobody there");
        assert!(matches!(refused, Error::Away(_)), "{refused:?}");
        let refused = names(&bench.store).await.expect_err("nobody there");
        assert!(matches!(refused, Error::Away(_)), "{refused:?}");
        assert!(matches!(bench.store.writable().await, Err(Error::Away(_))));
    }
    bench.server.restart().expect("back");
    assert_eq!(names(&bench.store).await.expect("by itself"), ["before"]);
    write(&bench.store, "after").await.expect("by itself");
    bench.store.writable().await.expect("by itself");
    assert_eq!(names(&bench.store).await.expect("shown"), ["after", "before"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_takes_over_with_all_that_was_acknowledged() {
    let mut bench = Bench::durable().await;
    let second = bench.server.follower(bench.directory.path(), &Settings::default()).expect("a follower");
    let synchronous = "ALTER SYSTEM SET synchronous_standby_names = '*'; SELECT pg_reload_conf()";
    bench.server.address().sql("postgres", synchronous).expect("set");
    // Until it is so, a commit may be answered before the follower has it.
    let followed = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
    while bench.server.address().sql("postgres", followed).expect("answered") != "1" {}
    let load = Load::begin(&bench.store);
    load.goes_on(50).await;
    bench.server.kill().expect("killed");
    bench.proxy.redirect(second.address().tcp());
    second.promote().expect("promoted");
    load.goes_on(50).await;
    assert!(load.ends(&bench.store).await >= 100);
}

#[tokio::test]
async fn a_server_that_only_follows_is_said_to_be_read_only_and_shows_what_it_has() {
    let bench = Bench::quick().await;
    write(&bench.store, "x").await.expect("written");
    let second = bench.server.follower(bench.directory.path(), &Settings::default().without_fsync()).expect("another");
    bench.proxy.redirect(second.address().tcp());
    assert!(bench.proxy.cut() > 0);
    assert_eq!(names(&bench.store).await.expect("shown"), ["x"]);
    let refused = write(&bench.store, "y").await.expect_err("it only follows");
    assert!(matches!(refused, Error::ReadOnly(_)), "{refused:?}");
    second.promote().expect("promoted");
    write(&bench.store, "y").await.expect("by itself");
}
