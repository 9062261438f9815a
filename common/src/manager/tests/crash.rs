//! Hosts that die, and hosts that were taken for dead.

use super::bench::Bench;
use crate::{
    driver::{Connector, OpCtx},
    ids::{OpId, VolumeId},
    manager::{Refusal, Source, reconcile},
    state::Status,
    store::Error,
};

/// Claims what is due as a host would that then dies, with or without having made the driver calls.
async fn claim_and_die(bench: &Bench, having_acted: bool) {
    let worker = bench.worker().await;
    let mut tx = worker.store.write().await.expect("a transaction");
    let claimed = tx.claim_operations(&worker.backend, worker.epoch, 100, worker.store.clock()).await.expect("claimed");
    tx.commit().await.expect("committed");
    assert!(!claimed.is_empty(), "there was something to die over");
    if having_acted {
        let ctx = OpCtx::new(OpId::new(), std::time::Duration::from_secs(60), worker.stop.clone());
        for operation in claimed {
            crate::manager::perform::perform(worker.driver.as_ref(), None, &ctx, &operation.work).await.expect("done");
        }
    }
}

#[tokio::test]
async fn what_a_dead_host_had_claimed_is_finished_by_the_next() {
    for having_acted in [false, true] {
        let bench = Bench::new(100).await;
        let source = bench.create(1).await;
        claim_and_die(&bench, having_acted).await;
        let host = bench.host().await;
        assert_eq!(bench.status(source.id).await, Some(Status::Available), "acted: {having_acted}");
        drop(host);

        let copy = bench.create_from(None, Source::Volume(source.id)).await;
        let snapshot = bench.snapshot(source.id).await;
        claim_and_die(&bench, having_acted).await;
        let host = bench.host().await;
        assert_eq!(bench.status(copy.id).await, Some(Status::Available), "acted: {having_acted}");
        assert_eq!(bench.settled_snapshot(snapshot.id).await.expect("there").status, Status::Available);
        drop(host);

        bench.intake.delete_volume(&bench.who, source.id, true).await.expect("taken in");
        claim_and_die(&bench, having_acted).await;
        let host = bench.host().await;
        assert_eq!(bench.settled(source.id).await, None, "acted: {having_acted}");
        assert_agreement(&bench, &host.worker).await;
    }
}

#[tokio::test]
async fn an_operation_that_kills_every_host_is_given_up() {
    let bench = Bench::new(100).await;
    let volume = bench.create(1).await;
    // Three times the three attempts that the bench configures.
    for _ in 0..9 {
        claim_and_die(&bench, false).await;
    }
    let _host = bench.host().await;
    assert_eq!(bench.status(volume.id).await, Some(Status::Error));
    assert_eq!(bench.backend.calls(), Vec::<&str>::new());
    assert!(bench.messages().await[0].contains("9 hosts died"));
}

#[tokio::test]
async fn a_host_that_was_taken_for_dead_cannot_commit() {
    let bench = Bench::new(100).await;
    let old = bench.host().await;
    bench.available(1).await;
    let _new = bench.worker().await;
    bench.create(1).await;
    assert!(matches!(old.worker.report_once().await, Err(Error::Fenced { .. })));
    assert!(matches!(old.ended().await, Err(Error::Fenced { .. })), "it stops by itself");
}

#[tokio::test]
async fn a_call_that_waits_for_a_host_that_is_away_says_so_and_is_done_later() {
    let bench = Bench::configured(100, "api.attach_timeout_seconds = 1").await;
    let volume = {
        let _host = bench.host().await;
        bench.available(1).await
    };
    let waited = bench.intake.initialize_connection(&bench.who, volume.id, Connector::default()).await;
    assert!(matches!(&waited, Err(Refusal::TooSlow(text)) if text.contains("goes on")), "{waited:?}");
    assert_eq!(bench.status(volume.id).await, Some(Status::Attaching));
    let _host = bench.host().await;
    let again = async || bench.intake.initialize_connection(&bench.who, volume.id, Connector::default()).await;
    while again().await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.backend.calls().iter().filter(|call| **call == "attach").count(), 2, "one each");
}

#[tokio::test]
async fn objects_that_no_record_knows_are_found() {
    let bench = Bench::new(100).await;
    let host = bench.host().await;
    let volume = bench.available(1).await;
    let mut tx = bench.intake.store().write().await.expect("a transaction");
    tx.remove_volume(volume.id).await.expect("removed");
    tx.commit().await.expect("committed");
    let found = differences(&host.worker).await;
    assert_eq!(found.orphan_volumes, [volume.id]);
    assert_eq!(found.missing_volumes, Vec::<VolumeId>::new());
}

async fn assert_agreement(bench: &Bench, worker: &crate::manager::Worker) {
    let found = differences(worker).await;
    assert!(found.is_empty(), "{found:?}");
    let open = bench.intake.store().read().await.expect("a view").operation_counts().await.expect("counts");
    assert!(open.iter().all(|(_, phase, _)| phase == "done"), "{open:?}");
}

async fn differences(worker: &crate::manager::Worker) -> reconcile::Differences {
    let ctx = OpCtx::new(OpId::new(), std::time::Duration::from_secs(60), worker.stop.clone());
    let compared = reconcile::differences(&worker.store, worker.driver.as_ref(), &worker.backend, &ctx).await;
    compared.expect("both answer")
}
