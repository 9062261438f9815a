//! Driver calls that go wrong: the reaction depends on the error's kind alone.

use super::{
    backend::Fault::{After, Before, Panic},
    bench::Bench,
};
use crate::{
    driver::{Connector, Kind},
    manager::Source,
    state::Status,
    units::ByteCount,
};

#[tokio::test]
async fn a_backend_that_is_away_for_a_while_is_tried_again() {
    let bench = Bench::new(100).await;
    bench.backend.fail([Before(Kind::Unavailable)]);
    let _host = bench.host().await;
    let volume = bench.create(1).await;
    assert_eq!(bench.status(volume.id).await, Some(Status::Available));
    assert_eq!(bench.backend.calls(), ["create", "create"]);
}

#[tokio::test]
async fn a_backend_that_stays_away_is_reported_after_the_last_try() {
    let bench = Bench::new(100).await;
    bench.backend.fail([Before(Kind::Unavailable); 3]);
    let _host = bench.host().await;
    let volume = bench.create(1).await;
    assert_eq!(bench.status(volume.id).await, Some(Status::Error));
    assert!(bench.messages().await[0].contains("made to fail"));
}

#[tokio::test]
async fn an_unknown_outcome_is_looked_at_before_anything_is_done_again() {
    let bench = Bench::new(100).await;
    bench.backend.fail([After(Kind::Indeterminate)]);
    let _host = bench.host().await;
    let volume = bench.create(1).await;
    assert_eq!(bench.status(volume.id).await, Some(Status::Available));
    assert_eq!(bench.backend.calls(), ["create"], "what had happened was not done again");
}

#[tokio::test]
async fn an_unknown_outcome_that_was_none_is_done_again() {
    let bench = Bench::new(100).await;
    bench.backend.fail([Before(Kind::Indeterminate)]);
    let _host = bench.host().await;
    let volume = bench.create(1).await;
    assert_eq!(bench.status(volume.id).await, Some(Status::Available));
    assert_eq!(bench.backend.calls(), ["create", "create"]);
}

#[tokio::test]
async fn a_revert_that_may_have_happened_is_not_given_back() {
    let bench = Bench::new(100).await;
    let _host = bench.host().await;
    let volume = bench.available(1).await;
    let snapshot = bench.taken(volume.id).await;
    bench.backend.fail([After(Kind::Indeterminate), Before(Kind::Busy)]);
    bench.intake.revert_volume(&bench.who, volume.id, snapshot.id).await.expect("taken in");
    assert_eq!(bench.status(volume.id).await, Some(Status::Error), "which bytes it holds is not known");
}

#[tokio::test]
async fn snapshots_of_a_cascade_that_failed_half_way_can_be_deleted_again() {
    let bench = Bench::new(100).await;
    let _host = bench.host().await;
    let volume = bench.available(1).await;
    let snapshot = bench.taken(volume.id).await;
    // The snapshot goes; then the volume is found busy: the second call is the first that is made to fail.
    bench.backend.fail_after(1, Before(Kind::Busy));
    bench.intake.delete_volume(&bench.who, volume.id, true).await.expect("taken in");
    assert_eq!(bench.status(volume.id).await, Some(Status::Available));
    let left = bench.settled_snapshot(snapshot.id).await.expect("there");
    assert_eq!(left.status, Status::ErrorDeleting, "it is gone from the backend, so it is not available");
    bench.intake.delete_volume(&bench.who, volume.id, true).await.expect("taken in");
    assert_eq!(bench.settled(volume.id).await, None);
}

#[tokio::test]
async fn a_claim_whose_export_was_refused_is_still_a_claim() {
    let bench = Bench::new(100).await;
    let _host = bench.host().await;
    let id = bench.available(1).await.id;
    bench.intake.reserve(&bench.who, id).await.expect("reserved");
    bench.backend.fail([Before(Kind::Busy)]);
    bench.intake.initialize_connection(&bench.who, id, Connector::default()).await.expect_err("refused");
    assert_eq!(bench.status(id).await, Some(Status::Attaching));
    bench.intake.unreserve(&bench.who, id).await.expect("given up");
    assert_eq!(bench.status(id).await, Some(Status::Available));
}

#[tokio::test]
async fn a_refused_growth_gives_the_volume_and_its_room_back() {
    let bench = Bench::new(100).await;
    let _host = bench.host().await;
    let volume = bench.available(1).await;
    bench.backend.fail([Before(Kind::OutOfSpace)]);
    let two = ByteCount::from_gib(2).expect("small");
    bench.intake.extend_volume(&bench.who, volume.id, two, false).await.expect("taken in");
    let after = bench.settled(volume.id).await.expect("there");
    assert_eq!((after.status, after.size, after.provisioned), (Status::Available, volume.size, volume.size));
    assert!(bench.messages().await[0].starts_with("extend volume: "));
}

#[tokio::test]
async fn a_delete_that_finds_the_volume_busy_puts_it_back() {
    let bench = Bench::new(100).await;
    let _host = bench.host().await;
    let volume = bench.available(1).await;
    bench.backend.fail([Before(Kind::Busy)]);
    bench.intake.delete_volume(&bench.who, volume.id, false).await.expect("taken in");
    assert_eq!(bench.status(volume.id).await, Some(Status::Available));
}

#[tokio::test]
async fn a_broken_delete_can_be_asked_for_again() {
    let bench = Bench::new(100).await;
    let _host = bench.host().await;
    let volume = bench.available(1).await;
    bench.backend.fail([Before(Kind::Fatal)]);
    bench.intake.delete_volume(&bench.who, volume.id, false).await.expect("taken in");
    assert_eq!(bench.status(volume.id).await, Some(Status::ErrorDeleting));
    bench.intake.delete_volume(&bench.who, volume.id, false).await.expect("taken in");
    assert_eq!(bench.settled(volume.id).await, None);
}

#[tokio::test]
async fn a_driver_that_panics_costs_one_operation_and_not_the_host() {
    let bench = Bench::new(100).await;
    bench.backend.fail([Panic]);
    let _host = bench.host().await;
    let broken = bench.create(1).await;
    assert_eq!(bench.status(broken.id).await, Some(Status::Error));
    let next = bench.create(1).await;
    assert_eq!(bench.status(next.id).await, Some(Status::Available));
}

#[tokio::test]
async fn a_copy_that_fails_leaves_its_source_as_it_was() {
    let bench = Bench::new(100).await;
    let _host = bench.host().await;
    let source = bench.available(1).await;
    bench.backend.fail([Before(Kind::Fatal)]);
    let copy = bench.create_from(None, Source::Volume(source.id)).await;
    assert_eq!(bench.status(copy.id).await, Some(Status::Error));
    assert_eq!(bench.status(source.id).await, Some(Status::Available));
}

#[tokio::test]
async fn what_an_administrator_set_meanwhile_stays() {
    let bench = Bench::new(100).await;
    let volume = bench.create(1).await;
    bench.intake.reset_volume_status(&bench.who, volume.id, Status::Maintenance).await.expect("set");
    let host = bench.host().await;
    let watched = bench.create(1).await;
    assert_eq!(bench.status(watched.id).await, Some(Status::Available), "the host went past the first operation");
    drop(host);
    assert_eq!(bench.volume(volume.id).await.expect("there").status, Status::Maintenance);
}
