//! Requests at once.

use super::bench::Bench;
use crate::{
    driver::{AccessMode, Connector},
    manager::{NewAttachment, Refusal},
    state::Status,
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
    let volume = bench.create(1).await;
    bench.settled(volume.id).await;
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

/// Polls all to their end, interleaved.
async fn futures_join<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
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
