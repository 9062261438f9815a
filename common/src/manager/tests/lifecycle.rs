//! Requests that go well.

use super::bench::Bench;
use crate::{
    driver::{AccessMode, Connector},
    manager::{NewAttachment, Source},
    state::Status,
    units::ByteCount,
};

fn connector(host: &str) -> Connector {
    let mut connector = Connector::default();
    connector.0.insert("host".to_owned(), host.into());
    connector
}

#[tokio::test]
async fn a_volume_is_made_grown_frozen_copied_and_removed() {
    let bench = Bench::new(100).await;
    let _host = bench.host().await;
    let volume = bench.create(1).await;
    assert_eq!((volume.status, bench.status(volume.id).await), (Status::Creating, Some(Status::Available)));

    let two = ByteCount::from_gib(2).expect("small");
    bench.intake.extend_volume(&bench.who, volume.id, two, false).await.expect("taken in");
    let grown = bench.settled(volume.id).await.expect("there");
    assert_eq!((grown.status, grown.size, grown.provisioned), (Status::Available, two, two));

    let snapshot = bench.snapshot(volume.id).await;
    assert_eq!(bench.settled_snapshot(snapshot.id).await.expect("there").status, Status::Available);
    let copy = bench.create_from(None, Source::Snapshot(snapshot.id)).await;
    assert_eq!(bench.settled(copy.id).await.expect("there").size, two);
    let clone = bench.create_from(Some(3), Source::Volume(volume.id)).await;
    assert_eq!(bench.status(clone.id).await, Some(Status::Available));
    bench.intake.revert_volume(&bench.who, volume.id, snapshot.id).await.expect("taken in");
    assert_eq!(bench.status(volume.id).await, Some(Status::Available));

    bench.intake.delete_snapshot(&bench.who, snapshot.id).await.expect("taken in");
    assert_eq!(bench.settled_snapshot(snapshot.id).await, None);
    for id in [volume.id, copy.id, clone.id] {
        bench.intake.delete_volume(&bench.who, id, false).await.expect("taken in");
        assert_eq!(bench.settled(id).await, None);
    }
    assert_eq!(bench.backend.volume_count(), 0);
}

#[tokio::test]
async fn cascade_removes_the_snapshots_with_the_volume() {
    let bench = Bench::new(100).await;
    let _host = bench.host().await;
    let volume = bench.available(1).await;
    let snapshot = bench.taken(volume.id).await;
    bench.intake.delete_volume(&bench.who, volume.id, true).await.expect("taken in");
    assert_eq!(bench.settled(volume.id).await, None);
    assert_eq!(bench.settled_snapshot(snapshot.id).await, None);
}

#[tokio::test]
async fn an_attachment_shows_in_the_status_of_its_volume_from_first_to_last() {
    let bench = Bench::new(100).await;
    let _host = bench.host().await;
    let volume = bench.available(1).await;
    let new = NewAttachment { volume: volume.id, instance_id: None, mode: AccessMode::ReadWrite, connector: None };
    let attachment = bench.intake.create_attachment(&bench.who, new).await.expect("reserved");
    assert_eq!(bench.status(volume.id).await, Some(Status::Reserved));

    let connected = bench.intake.connect_attachment(&bench.who, attachment.id, connector("a")).await.expect("exported");
    assert!(connected.connection.is_some());
    assert_eq!(bench.status(volume.id).await, Some(Status::Attaching));
    bench.intake.complete_attachment(&bench.who, attachment.id).await.expect("attached");
    assert_eq!(bench.status(volume.id).await, Some(Status::InUse));

    let rest = bench.intake.delete_attachment(&bench.who, attachment.id).await.expect("detached");
    assert_eq!((rest.len(), bench.status(volume.id).await), (0, Some(Status::Available)));
}

#[tokio::test]
async fn the_older_way_to_attach_ends_where_the_newer_does() {
    let bench = Bench::new(100).await;
    let _host = bench.host().await;
    let id = bench.available(1).await.id;
    let (intake, who) = (&bench.intake, &bench.who);
    intake.reserve(who, id).await.expect("reserved");
    assert_eq!(bench.status(id).await, Some(Status::Attaching));
    intake.initialize_connection(who, id, connector("a")).await.expect("connected");
    intake
        .attach(who, id, Some("vm".to_owned()), None, Some("/dev/vdb".to_owned()), AccessMode::ReadWrite)
        .await
        .expect("attached");
    assert_eq!(bench.status(id).await, Some(Status::InUse));
    intake.begin_detaching(who, id).await.expect("about to leave");
    assert_eq!(bench.status(id).await, Some(Status::Detaching));
    intake.roll_detaching(who, id).await.expect("stays");
    intake.begin_detaching(who, id).await.expect("about to leave");
    intake.terminate_connection(who, id, &connector("a")).await.expect("disconnected");
    intake.detach(who, id, None).await.expect("nothing left to do");
    assert_eq!(bench.status(id).await, Some(Status::Available));
}

#[tokio::test]
async fn a_claim_that_led_to_nothing_is_given_up() {
    let bench = Bench::new(100).await;
    let _host = bench.host().await;
    let id = bench.available(1).await.id;
    bench.intake.reserve(&bench.who, id).await.expect("reserved");
    bench.intake.unreserve(&bench.who, id).await.expect("given up");
    assert_eq!(bench.status(id).await, Some(Status::Available));
}
