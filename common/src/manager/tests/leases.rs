//! Several processes at one backend: who takes over, who must stop, and who shares the work.

use std::{
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use super::bench::{Bench, Host, PATIENCE, backend};
use crate::{
    driver::{Error, Kind, OpCtx, context::Stopped},
    manager::{
        Membership, Refusal, Worker,
        rivals::{self, Rivals},
    },
    points::Point,
    state::Status,
    store::{self, Director, Simulated, Store, Surroundings, members::Gone},
    units::ByteCount,
};

/// As short as can be, so that cases that wait for one to run out do not wait long.
const SHORT: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(600);

fn membership(worker: &Worker) -> Membership {
    Membership {
        store: worker.store.clone(),
        backend: worker.backend.clone(),
        epoch: worker.epoch,
        lease: worker.lease.clone(),
        stop: worker.stop.clone(),
    }
}

/// Waits, as a stand-by does, until a member has lapsed.
async fn lapsed(store: &Store) -> Vec<Gone> {
    let mut rivals = Rivals::default();
    let watching = async {
        loop {
            let members = rivals::members(store, &backend()).await.expect("members");
            let gone = rivals.lapsed(&members, store.clock().uptime);
            if !gone.is_empty() {
                return gone;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, watching).await.expect("it lapses")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_stand_bys_at_once_one_wins() {
    let bench = Bench::new(100).await;
    let old = bench.worker().await;
    let mut stores = Vec::new();
    for _ in 0..6 {
        stores.push(bench.store_again().await);
    }
    let gone = [Gone::Ended { epoch: old.epoch }];
    let joins = stores.into_iter().map(|store| bench.join(store, LONG, &gone));
    let joined: Vec<u64> = super::races::futures_join(joins).await.into_iter().flatten().map(|won| won.epoch).collect();
    assert_eq!(joined, [old.epoch + 1]);
    let members = rivals::members(bench.intake.store(), &backend()).await.expect("members");
    assert_eq!(members.iter().map(|member| member.epoch).collect::<Vec<_>>(), joined);
}

#[tokio::test]
async fn a_member_that_renews_is_not_taken_for_gone_by_who_looked_before() {
    let bench = Bench::new(100).await;
    let worker = bench.worker().await;
    let before = rivals::members(&worker.store, &backend()).await.expect("members");
    let stale = [Gone::Lapsed { epoch: worker.epoch, renewals: before[0].renewals }];
    assert!(membership(&worker).renew().await.expect("renewed"));
    assert!(bench.join(bench.store_again().await, LONG, &stale).await.is_none());
    assert!(membership(&worker).renew().await.expect("it still is a member"));
}

#[tokio::test]
async fn who_leaves_is_followed_at_once() {
    let bench = Bench::new(100).await;
    let first = bench.worker().await;
    assert!(bench.join(bench.store_again().await, LONG, &[]).await.is_none(), "one at a time");
    membership(&first).leave().await.expect("left");
    assert!(!first.lease.holds());
    assert!(bench.join(bench.store_again().await, LONG, &[]).await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_cut_off_from_the_store_has_stopped_before_another_takes_over() {
    let bench = Bench::new(100).await;
    for gone in rivals::members(bench.intake.store(), &backend()).await.expect("members") {
        rivals::fence(bench.intake.store(), &backend(), Gone::Ended { epoch: gone.epoch }).await.expect("fenced");
    }
    let cut_off = bench.join(bench.store_again().await, SHORT, &[]).await.expect("a seat");
    let keeper = membership(&cut_off);
    let keeping = tokio::spawn(async move { keeper.keep(&CancellationToken::new()).await });
    let host = bench.serve(cut_off.clone());
    bench.available(1).await;
    cut_off.store.close().await;

    let gone = lapsed(bench.intake.store()).await;
    // What every call of its driver asks first. That its tasks end too may take a busy machine a moment longer.
    assert!(!cut_off.lease.holds(), "it knew before anybody else acted on it");
    timeout(PATIENCE, keeping).await.expect("it has stopped").expect("it does not panic");
    assert!(cut_off.stop.is_cancelled());
    host.ended().await.expect("it ended by itself");
    let next = bench.join(bench.store_again().await, LONG, &gone).await.expect("the seat is free");
    let _next = bench.serve(next);
    bench.available(1).await;
}

#[tokio::test]
async fn a_host_whose_lease_is_over_touches_nothing() {
    let bench = Bench::new(100).await;
    let host = bench.host().await;
    let ctx = OpCtx::new(bench.intake.store().id(), LONG, CancellationToken::new()).under(host.worker.lease.clone());
    host.worker.lease.end();
    let volume = bench.create(1).await;
    assert_eq!(ctx.check(), Err(Stopped::Lapsed));
    let touched = ctx.blocking(|_| Ok(())).await;
    assert!(matches!(&touched, Err(error) if error.kind() == Kind::Indeterminate), "{touched:?}");
    assert!(ctx.bounded(std::future::ready(())).await.is_err());
    // Told of work and looking for it, it takes none.
    let next = bench.join(bench.store_again().await, LONG, &[Gone::Ended { epoch: host.worker.epoch }]).await;
    let next = bench.serve(next.expect("the seat is free"));
    assert_eq!(bench.status(volume.id).await, Some(Status::Available));
    assert_eq!(bench.backend.calls(), ["create"]);
    drop(next);
}

/// Holds a process where it has done something and not committed it.
#[derive(Debug)]
struct Held {
    at: Point,
    came: mpsc::UnboundedSender<()>,
    go: CancellationToken,
}

#[async_trait]
impl Director for Held {
    async fn reached(&self, point: Point) {
        if point == self.at {
            let _ = self.came.send(());
            self.go.cancelled().await;
        }
    }
}

/// A process whose clock is off by so many hours.
fn process(store: &Store, hours: i64, director: Box<dyn Director>, seed: u64) -> Store {
    store.within(Surroundings::Simulated(Simulated {
        epoch: Timestamp::now(),
        since: Instant::now(),
        skew: Arc::new(AtomicI64::new(hours * 3600 * 1_000_000)),
        random: std::sync::Mutex::new(fastrand::Rng::with_seed(seed)),
        director,
        link: None,
    }))
}

/// Lets everything go on.
#[derive(Debug)]
struct Free;

#[async_trait]
impl Director for Free {
    async fn reached(&self, _: Point) {}
}

/// A host that is stopped at a point, with an operation in hand that another has finished meanwhile; and what lets it go on.
async fn stopped_at(bench: &Bench, at: Point) -> (Host, CancellationToken, Host) {
    let old = bench.worker().await;
    let (came, mut arrived) = mpsc::unbounded_channel();
    let go = CancellationToken::new();
    let held = Held { at, came, go: go.clone() };
    let stopped = Worker { store: process(&bench.store_again().await, 0, Box::new(held), 1), ..old };
    let epoch = stopped.epoch;
    let stopped = bench.serve(stopped);
    let volume = bench.create(1).await;
    timeout(PATIENCE, arrived.recv()).await.expect("it comes there").expect("it is there");
    let next = bench.join(bench.store_again().await, LONG, &[Gone::Ended { epoch }]).await.expect("a seat");
    let next = bench.serve(next);
    assert_eq!(bench.status(volume.id).await, Some(Status::Available));
    (stopped, go, next)
}

#[tokio::test]
async fn a_host_that_goes_on_after_another_took_over_touches_nothing() {
    let bench = Bench::new(100).await;
    let (stopped, go, _next) = stopped_at(&bench, Point::Claimed).await;
    let calls = bench.backend.calls();
    // What time does while the process is stopped.
    stopped.worker.lease.end();
    go.cancel();
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    stopped.worker.stop.cancel();
    stopped.ended().await.expect("told to end");
    assert_eq!(bench.backend.calls(), calls);
}

#[tokio::test]
async fn a_host_that_goes_on_after_another_took_over_commits_nothing() {
    let bench = Bench::new(100).await;
    let (stopped, go, _next) = stopped_at(&bench, Point::Performed).await;
    let log = async || bench.intake.store().read().await.expect("a view").operation_counts().await.expect("counts");
    let before = log().await;
    go.cancel();
    let stop = stopped.worker.stop.clone();
    timeout(PATIENCE, stop.cancelled()).await.expect("the refused commit stops it");
    stopped.ended().await.expect("it stops by itself");
    assert_eq!(log().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_share_the_work_and_finish_what_a_dead_one_began() {
    let bench = Bench::configured(100, "host.concurrency = 2").await;
    let (came, mut arrived) = mpsc::unbounded_channel();
    let held = Held { at: Point::Performed, came, go: CancellationToken::new() };
    let first = bench.worker().await;
    assert!(membership(&first).offer_seats(2).await.expect("offered"));
    let first = Worker { store: process(&bench.store_again().await, 0, Box::new(held), 1), ..first };
    let second = bench.join(bench.store_again().await, LONG, &[]).await.expect("there is a second seat");
    assert!(bench.join(bench.store_again().await, LONG, &[]).await.is_none(), "and no third");

    let dead = first.epoch;
    let dies = bench.serve(first);
    let one = bench.create(1).await;
    timeout(PATIENCE, arrived.recv()).await.expect("the first has it").expect("it is there");
    let watcher = membership(&second);
    let host = bench.serve(second);
    let two = bench.create(1).await;
    let three = bench.create(1).await;
    let four = bench.create(1).await;
    // The first is stuck with two of them at most, and the other does the rest beside it.
    let settled = async {
        loop {
            let mut open = Vec::new();
            for volume in [&one, &two, &three, &four] {
                let status = bench.volume(volume.id).await.expect("there").status;
                if status == Status::Creating {
                    open.push(volume.id);
                }
            }
            if open.len() <= 2 {
                return open;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let open = timeout(PATIENCE, settled).await.expect("the second works");
    assert!(open.contains(&one.id), "what a living member does is not taken from it");
    drop(dies);
    watcher.fence(Gone::Ended { epoch: dead }).await;
    for volume in [one, two, three, four] {
        assert_eq!(bench.status(volume.id).await, Some(Status::Available));
    }
    drop(host);
}

#[tokio::test]
async fn a_host_that_does_not_bear_others_finds_out_that_there_are_some() {
    let bench = Bench::new(100).await;
    let first = bench.worker().await;
    assert!(membership(&first).offer_seats(2).await.expect("offered"));
    let second = bench.join(bench.store_again().await, LONG, &[]).await.expect("a seat");
    assert!(!membership(&second).offer_seats(1).await.expect("an answer"));
}

#[tokio::test]
async fn a_retry_that_a_dead_host_put_off_by_its_clock_is_not_waited_for() {
    let bench = Bench::new(100).await;
    let ahead = process(&bench.store_again().await, 40, Box::new(Free), 1);
    let old = bench.worker().await;
    let old = Worker { store: ahead, ..old };
    bench.backend.fail([crate::manager::tests::backend::Fault::Before(Kind::Unavailable)]);
    let volume = bench.create(1).await;
    // It tries once, and would try again after a pause by its own clock.
    let claimed = {
        let mut tx = old.store.write().await.expect("a transaction");
        let claimed = tx.claim_operations(&backend(), old.epoch, 1, old.store.clock()).await.expect("claimed");
        let why = store::records::OperationError { kind: Kind::Unavailable, message: "away".to_owned() };
        let due = old.store.clock().uptime + Duration::from_secs(100_000);
        tx.defer_operation(&claimed[0], old.epoch, &why, due, old.store.now()).await.expect("deferred");
        tx.commit().await.expect("committed");
        claimed
    };
    assert_eq!(claimed.len(), 1);
    let any_due = async |worker: &Worker| {
        let mut tx = worker.store.read().await.expect("a view");
        tx.any_due(&backend(), worker.epoch, worker.store.clock()).await.expect("an answer")
    };
    assert!(!any_due(&old).await, "it keeps its own pause");
    let behind = process(&bench.store_again().await, -40, Box::new(Free), 2);
    let next = bench.join(behind, LONG, &[Gone::Ended { epoch: old.epoch }]).await.expect("a seat");
    assert!(any_due(&next).await);
    let _next = bench.serve(next);
    assert_eq!(bench.status(volume.id).await, Some(Status::Available));
}

#[tokio::test]
async fn with_clocks_hours_apart_a_pool_is_filled_to_the_last_and_not_further() {
    for hours in [-30, 30] {
        let bench = Bench::new(6).await;
        let apart = process(&bench.store_again().await, hours, Box::new(Free), 1);
        let gone = bench.worker().await.epoch;
        let worker = bench.join(apart, LONG, &[Gone::Ended { epoch: gone }]).await.expect("a seat");
        let host = bench.serve(worker);
        for _ in 0..3 {
            bench.available(1).await;
        }
        host.worker.report_once().await.expect("reported");
        let views = bench.intake.pool_views().await.expect("pools");
        assert!(views[0].up && views[0].age < LONG, "{hours}: {:?}", views[0]);
        assert_eq!(views[0].promised, ByteCount::ZERO, "{hours}: the report shows all that was made before it");
        let grown = bench.available(1).await;
        let two = ByteCount::from_gib(2).expect("small");
        bench.intake.extend_volume(&bench.who, grown.id, two, false).await.expect("there is room");
        assert_eq!(bench.settled(grown.id).await.map(|volume| volume.size), Some(two), "{hours}");
        bench.available(1).await;
        assert_eq!(bench.create(1).await.status, Status::Error, "{hours}: full is full, before the next report too");
        host.worker.report_once().await.expect("reported");
        assert_eq!(bench.create(1).await.status, Status::Error, "{hours}");
        let three = ByteCount::from_gib(3).expect("small");
        let refused = bench.intake.extend_volume(&bench.who, grown.id, three, false).await;
        assert!(matches!(refused, Err(Refusal::NoRoom(_))), "{hours}: {refused:?}");
    }
}

#[tokio::test]
async fn an_older_report_of_a_slower_member_replaces_no_newer_one() {
    let bench = Bench::new(100).await;
    let worker = bench.worker().await;
    worker.report_once().await.expect("reported");
    let mut tx = worker.store.write().await.expect("a transaction");
    let newer = tx.hosts_and_pools().await.expect("pools").1;
    let asked = store::hosts::Asked { moment: newer[0].moment - 1, at: worker.store.now() };
    let empty = crate::stats::BackendStats { pools: Vec::new() };
    tx.report_pools(&backend(), &empty, asked).await.expect("an answer");
    assert_eq!(tx.hosts_and_pools().await.expect("pools").1, newer);
}

#[tokio::test]
async fn work_is_found_also_when_every_wake_up_is_lost() {
    let bench = Bench::new(100).await;
    let worker = bench.worker().await;
    let elsewhere = tempfile::tempdir().expect("a temporary directory");
    let deaf = crate::wakeup::Sleeper::Host(backend());
    let ear = crate::wakeup::Ear::bind(elsewhere.path(), &deaf).expect("an ear");
    let serving = worker.clone();
    let task = tokio::spawn(async move { serving.run(&ear).await });
    bench.available(1).await;
    worker.stop.cancel();
    timeout(PATIENCE, task).await.expect("it stops").expect("it does not panic").expect("it was told to");
}

#[test]
fn what_is_refused_for_a_lapse_is_looked_at_by_the_next() {
    assert_eq!(Error::from(Stopped::Lapsed).kind(), Kind::Indeterminate);
}
