//! Requests at once.

use super::bench::Bench;
use crate::{
    driver::{AccessMode, Connector},
    manager::{NewAttachment, Refusal, Source},
    state::Status,
    units::ByteCount,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_at_once_never_promise_more_than_there_is() {
    let bench = Bench::new(5).await;
    let makers = (0..20).map(|_| bench.create(1));
    let mut placed = 0;
    for volume in futures_join(makers).await {
        match volume.status {
            Status::Creating => placed += 1,
            Status::Error => {}
            other => panic!("unexpected status {other}"),
        }
    }
    assert_eq!(placed, 5);
    let told = bench.messages().await;
    assert_eq!(told.len(), 15);
    assert!(told[0].contains("disk#pool"), "{}", told[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_clients_at_once_one_gets_the_volume() {
    let bench = Bench::new(100).await;
    let _host = bench.host().await;
    let volume = bench.available(1).await;
    let attachers = (0..8).map(|_| {
        let new = NewAttachment {
            volume: volume.id,
            instance_id: None,
            mode: AccessMode::ReadWrite,
            connector: Some(Connector::default()),
        };
        bench.intake.create_attachment(&bench.who, new)
    });
    let results = futures_join(attachers).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert!(results.iter().all(|result| matches!(result, Ok(_) | Err(Refusal::State { .. }))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_deletes_at_once_one_is_taken_in() {
    let bench = Bench::new(100).await;
    let volume = bench.create(1).await;
    {
        let _host = bench.host().await;
        bench.settled(volume.id).await;
    }
    let results = futures_join((0..8).map(|_| bench.intake.delete_volume(&bench.who, volume.id, false))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
}

#[tokio::test]
async fn what_clients_asked_for_in_turn_happens_in_turn() {
    let bench = Bench::new(100).await;
    let source = bench.create(1).await;
    {
        let _host = bench.host().await;
        bench.settled(source.id).await;
    }
    let clone = bench.create_from(None, Source::Volume(source.id)).await;
    let snapshot = bench.snapshot(source.id).await;
    let two = ByteCount::from_gib(2).expect("small");
    bench.intake.extend_volume(&bench.who, source.id, two, false).await.expect("taken in");
    let unseen = bench.create(1).await;
    bench.intake.reset_volume_status(&bench.who, unseen.id, Status::Error).await.expect("set");
    bench.intake.delete_volume(&bench.who, unseen.id, false).await.expect("taken in");

    let host = bench.host().await;
    assert_eq!(bench.settled(unseen.id).await, None);
    assert_eq!(bench.status(clone.id).await, Some(Status::Available));
    assert_eq!(bench.settled(source.id).await.map(|volume| volume.size), Some(two));
    assert_eq!(bench.settled_snapshot(snapshot.id).await.expect("there").status, Status::Available);
    let calls = bench.backend.calls();
    let at = |call| calls.iter().rposition(|made| *made == call).expect("made");
    assert!(at("clone_volume") < at("extend") && at("create_snapshot") < at("extend"), "{calls:?}");
    assert!(at("create") < at("delete"), "{calls:?}");
    drop(host);
    assert_eq!(bench.backend.volume_count(), 2, "nothing is left of the volume that was deleted before it was made");
}

#[tokio::test]
async fn a_source_that_is_removed_while_it_is_copied_goes_after_the_copy() {
    let bench = Bench::new(100).await;
    let source = bench.create(1).await;
    {
        let _host = bench.host().await;
        bench.settled(source.id).await;
    }
    let clone = bench.create_from(None, Source::Volume(source.id)).await;
    bench.intake.delete_volume(&bench.who, source.id, false).await.expect("taken in");
    let _host = bench.host().await;
    assert_eq!(bench.settled(source.id).await, None);
    assert_eq!(bench.status(clone.id).await, Some(Status::Available));
    assert_eq!(bench.backend.calls(), ["create", "clone_volume", "delete"]);
}

#[tokio::test]
async fn growing_promises_the_growth_only() {
    let bench = Bench::new(10).await;
    let host = bench.host().await;
    let volume = bench.available(6).await;
    host.worker.report_once().await.expect("reported");
    for gib in [7, 8, 9, 10] {
        let size = ByteCount::from_gib(gib).expect("small");
        bench.intake.extend_volume(&bench.who, volume.id, size, false).await.expect("there is room");
        assert_eq!(bench.settled(volume.id).await.map(|volume| volume.size), Some(size));
    }
    let more = ByteCount::from_gib(11).expect("small");
    let refused = bench.intake.extend_volume(&bench.who, volume.id, more, false).await;
    assert!(matches!(refused, Err(Refusal::NoRoom(_))), "{refused:?}");
}

/// Polls all to their end, interleaved.
pub(super) async fn futures_join<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut pending: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(move |cx| {
        for (future, output) in &mut pending {
            if output.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(cx)
            {
                *output = Some(value);
            }
        }
        if pending.iter().all(|(_, output)| output.is_some()) {
            return std::task::Poll::Ready(pending.drain(..).filter_map(|(_, output)| output).collect());
        }
        std::task::Poll::Pending
    })
    .await
}
