//! Requests that are not taken: nothing changes, and the text says what to do.

use super::bench::Bench;
use crate::{
    driver::Connector,
    ids::VolumeId,
    manager::{NewSnapshot, NewVolume, Refusal, Requester, Source},
    scheduler::Hints,
    state::Status,
    store::records::Metadata,
    units::ByteCount,
};

fn stranger() -> Requester {
    Requester { project_id: "other".to_owned(), user_id: "eve".to_owned(), request_id: "req-2".to_owned() }
}

#[tokio::test]
async fn things_of_another_project_are_not_there() {
    let bench = Bench::new(100).await;
    let _host = bench.host().await;
    let volume = bench.available(1).await;
    let (intake, eve) = (&bench.intake, stranger());
    let new = NewSnapshot { volume: volume.id, name: None, description: None, metadata: Metadata::new(), force: false };
    let tries = [
        intake.delete_volume(&eve, volume.id, true).await,
        intake.reserve(&eve, volume.id).await,
        intake.reset_volume_status(&eve, volume.id, Status::Error).await,
        intake.extend_volume(&eve, volume.id, ByteCount::from_gib(2).expect("small"), true).await,
        intake.create_snapshot(&eve, new).await.map(drop),
        intake.initialize_connection(&eve, volume.id, Connector::default()).await.map(drop),
    ];
    for tried in tries {
        assert!(matches!(tried, Err(Refusal::NotFound { what: "volume", .. })), "{tried:?}");
    }
    assert_eq!(bench.volume(volume.id).await, Some(bench.settled(volume.id).await.expect("there")));
}

#[tokio::test]
async fn a_volume_with_snapshots_or_clients_is_not_removed() {
    let bench = Bench::new(100).await;
    let _host = bench.host().await;
    let volume = bench.available(1).await;
    bench.taken(volume.id).await;
    let refused = bench.intake.delete_volume(&bench.who, volume.id, false).await.expect_err("refused");
    assert!(refused.to_string().contains("delete them first"), "{refused}");
    bench.intake.reserve(&bench.who, volume.id).await.expect("reserved");
    let refused = bench.intake.delete_volume(&bench.who, volume.id, true).await.expect_err("refused");
    assert!(refused.to_string().contains("end its attachments first"), "{refused}");
}

#[tokio::test]
async fn sizes_that_do_not_fit_are_refused() {
    let bench = Bench::new(10).await;
    let _host = bench.host().await;
    let volume = bench.available(2).await;
    let gib = |gib| ByteCount::from_gib(gib).expect("small");
    let extend = async |size| bench.intake.extend_volume(&bench.who, volume.id, size, false).await;
    assert!(matches!(extend(gib(2)).await, Err(Refusal::Invalid(_))));
    assert!(matches!(extend(gib(1)).await, Err(Refusal::Invalid(_))));
    assert!(matches!(extend(gib(11)).await, Err(Refusal::NoRoom(_))));
    let smaller = NewVolume {
        name: None,
        description: None,
        size: Some(gib(1)),
        source: Source::Volume(volume.id),
        type_id: None,
        availability_zone: None,
        metadata: Metadata::new(),
        multi_attach: false,
        hints: Hints::default(),
    };
    assert!(matches!(bench.intake.create_volume(&bench.who, smaller).await, Err(Refusal::Invalid(_))));
    assert_eq!(bench.status(volume.id).await, Some(Status::Available));
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let bench = Bench::new(10).await;
    let id = VolumeId::new();
    let refused = bench.intake.delete_volume(&bench.who, id, false).await.expect_err("refused");
    assert_eq!(refused.to_string(), format!("volume {id} could not be found"));
}
