//! What does not fit together: found, reported, and mended where the policy says so and it is sure.

use super::bench::Bench;
use crate::{
    driver::{AccessMode, Connector, Volume, VolumeRef},
    findings::{Finding, Kind, Policy},
    ids::{AttachmentId, OpId, VolumeId},
    image,
    manager::{
        NewAttachment, Worker,
        reconcile::{
            Error,
            round::{Round, Watch},
        },
    },
    state::{Status, VolumeState},
    store::{self, records::VolumeRecord},
    units::ByteCount,
};

/// Without a grace: two looks are enough.
const AT_ONCE: &str = "host.reconcile.grace_seconds = 0\n";

/// A bench whose hosts clean all that can be cleaned.
async fn cleaning() -> Bench {
    let mut policy = String::new();
    for kind in Kind::ALL.iter().filter(|kind| kind.cleaned().is_some()) {
        policy += &format!("host.reconcile.policy.{kind} = 'clean'\n");
    }
    Bench::configured(100, &format!("{AT_ONCE}{policy}")).await
}

async fn look(worker: &Worker, watch: &mut Watch) -> Round {
    worker.reconcile_once(watch).await.expect("both answer")
}

/// The kinds that a fresh look finds.
async fn kinds(worker: &Worker) -> Vec<Kind> {
    look(worker, &mut Watch::default()).await.found.iter().map(|finding| finding.kind).collect()
}

/// Removes a volume's record by hand, as no request does.
async fn forget(bench: &Bench, id: VolumeId) {
    let mut tx = bench.intake.store().write().await.expect("a transaction");
    tx.remove_volume(id).await.expect("removed");
    tx.commit().await.expect("committed");
}

/// Puts a volume into a state by hand.
async fn put(bench: &Bench, mut volume: VolumeRecord, state: VolumeState) {
    volume.state = state;
    let store = bench.intake.store();
    let mut tx = store.write().await.expect("a transaction");
    tx.update_volume(&mut volume, store.now()).await.expect("written");
    tx.commit().await.expect("committed");
}

#[tokio::test]
async fn what_is_reported_is_in_the_store_and_stays_where_it_is() {
    let bench = Bench::configured(100, AT_ONCE).await;
    let host = bench.host().await;
    let volume = bench.available(1).await;
    forget(&bench, volume.id).await;
    let mut watch = Watch::default();
    for _ in 0..3 {
        let round = look(&host.worker, &mut watch).await;
        assert_eq!((round.found.len(), round.cleaned, round.waiting), (1, 0, 0));
    }
    assert_eq!(bench.backend.volume_count(), 1);
    let mut tx = bench.intake.store().read().await.expect("a view");
    let noted = tx.findings(&host.worker.backend).await.expect("findings");
    assert_eq!(noted[0].finding.about.volume(), Some(volume.id));
    assert!(noted[0].first_seen < noted[0].last_seen, "it keeps its age");
    assert_eq!(tx.finding_counts().await.expect("counts"), [("disk".into(), "volume-without-record".into(), 1)]);
}

#[tokio::test]
async fn a_volume_without_a_record_is_removed_at_the_second_look() {
    let bench = cleaning().await;
    let host = bench.host().await;
    let volume = bench.available(1).await;
    forget(&bench, volume.id).await;
    let mut watch = Watch::default();
    let first = look(&host.worker, &mut watch).await;
    assert_eq!((first.cleaned, first.waiting), (0, 1));
    assert_eq!(look(&host.worker, &mut watch).await.cleaned, 1);
    bench.quiet().await;
    assert_eq!(bench.backend.volume_count(), 0);
    assert_eq!(look(&host.worker, &mut watch).await, Round::default(), "nothing is left, also in the store");
}

#[tokio::test]
async fn what_this_store_did_not_make_is_never_touched() {
    let bench = cleaning().await;
    let host = bench.host().await;
    let foreign = VolumeRef { id: VolumeId::new(), pool: "pool".parse().expect("a name") };
    let size = ByteCount::from_gib(1).expect("small");
    bench.backend.plant(Volume { volume: foreign, size, allocated: None, attachments: Vec::new() });
    let mut watch = Watch::default();
    for _ in 0..3 {
        let round = look(&host.worker, &mut watch).await;
        assert!(matches!(&round.found[..], [Finding { kind: Kind::VolumeWithoutRecord, ours: false, .. }]));
        assert_eq!((round.cleaned, round.waiting), (0, 0));
    }
    assert_eq!(bench.backend.volume_count(), 1);
}

#[tokio::test]
async fn an_export_and_a_snapshot_without_a_record_are_ended() {
    let bench = cleaning().await;
    let host = bench.host().await;
    let volume = bench.available(1).await;
    let snapshot = bench.taken(volume.id).await;
    let mut tx = bench.intake.store().write().await.expect("a transaction");
    tx.remove_snapshot(snapshot.id).await.expect("removed");
    tx.commit().await.expect("committed");
    bench.backend.plant_export(volume.id, AttachmentId::new());
    let mut watch = Watch::default();
    assert_eq!(look(&host.worker, &mut watch).await.waiting, 2);
    assert_eq!(look(&host.worker, &mut watch).await.cleaned, 2);
    bench.quiet().await;
    assert_eq!(look(&host.worker, &mut watch).await, Round::default());
    assert!(bench.backend.exports().is_empty());
}

#[tokio::test]
async fn a_volume_that_the_backend_lost_is_in_error_and_its_users_are_told() {
    let bench = cleaning().await;
    let host = bench.host().await;
    let volume = bench.available(1).await;
    bench.backend.lose(volume.id);
    let mut watch = Watch::default();
    assert_eq!(look(&host.worker, &mut watch).await.waiting, 1);
    assert_eq!(bench.status(volume.id).await, Some(Status::Available), "one look is not enough");
    assert_eq!(look(&host.worker, &mut watch).await.cleaned, 1);
    assert_eq!(bench.status(volume.id).await, Some(Status::Error));
    assert!(bench.messages().await[0].contains("no longer has this volume"));
}

#[tokio::test]
async fn an_attachment_whose_export_is_gone_is_reported_only() {
    let bench = cleaning().await;
    let host = bench.host().await;
    let volume = bench.available(1).await;
    let mut connector = Connector::default();
    connector.0.insert("host".to_owned(), "client".into());
    let new =
        NewAttachment { volume: volume.id, instance_id: None, mode: AccessMode::ReadWrite, connector: Some(connector) };
    let made = bench.intake.create_attachment(&bench.who, new).await.expect("exported");
    assert_eq!(kinds(&host.worker).await, []);
    bench.backend.end_exports();
    let mut watch = Watch::default();
    for _ in 0..2 {
        let round = look(&host.worker, &mut watch).await;
        assert!(matches!(&round.found[..], [one] if one.kind == Kind::AttachmentWithoutExport));
        assert_eq!((round.found[0].about.id(), round.cleaned), (made.id.to_string(), 0));
    }
}

#[tokio::test]
async fn a_state_that_waits_for_no_operation_goes_where_the_backend_says_at_the_first_look() {
    // As without configuration: a thing that is stuck is of use to nobody.
    let bench = Bench::new(100).await;
    let host = bench.host().await;
    let (there, gone, removed) = (bench.available(1).await, bench.available(1).await, bench.available(1).await);
    put(&bench, there.clone(), VolumeState::Creating(OpId::new())).await;
    put(&bench, gone.clone(), VolumeState::Reverting(OpId::new())).await;
    put(&bench, removed.clone(), VolumeState::Deleting(OpId::new(), crate::state::volume::Rest::Available)).await;
    bench.backend.lose(removed.id);
    let round = look(&host.worker, &mut Watch::default()).await;
    assert_eq!((round.found.len(), round.cleaned), (3, 3), "{round:?}");
    assert_eq!(bench.status(there.id).await, Some(Status::Available));
    assert_eq!(bench.status(gone.id).await, Some(Status::Error));
    assert!(bench.volume(removed.id).await.is_none());
    assert_eq!(kinds(&host.worker).await, []);
}

#[tokio::test]
async fn a_volume_that_grew_for_nobody_counts_for_what_it_has() {
    let bench = Bench::new(100).await;
    let host = bench.host().await;
    let mut volume = bench.available(1).await;
    let store = bench.intake.store();
    let mut tx = store.write().await.expect("a transaction");
    tx.reserve(&mut volume, ByteCount::from_gib(5).expect("small"), ByteCount::ZERO).await.expect("written");
    tx.commit().await.expect("committed");
    put(&bench, volume.clone(), VolumeState::Extending(OpId::new())).await;
    assert_eq!(look(&host.worker, &mut Watch::default()).await.cleaned, 1);
    let mended = bench.volume(volume.id).await.expect("there");
    assert_eq!((mended.status, mended.size, mended.provisioned), (Status::Available, volume.size, volume.size));
    let counted = store.read().await.expect("a view").pool_use().await.expect("counts");
    assert_eq!(counted[0].provisioned, volume.size);
}

#[tokio::test]
async fn a_pool_that_is_miscounted_is_counted_anew() {
    let bench = Bench::new(100).await;
    let host = bench.host().await;
    let volume = bench.available(1).await;
    let place = volume.place.clone().expect("placed");
    let store = bench.intake.store();
    let mut tx = store.write().await.expect("a transaction");
    tx.spoil_pool_use(&place.backend, &place.pool).await.expect("written");
    tx.commit().await.expect("committed");
    let round = look(&host.worker, &mut Watch::default()).await;
    assert!(matches!(&round.found[..], [one] if one.kind == Kind::PoolMiscounted), "{round:?}");
    assert_eq!(round.cleaned, 1);
    let mut tx = store.read().await.expect("a view");
    assert_eq!(tx.pool_use().await.expect("counts"), tx.pool_use_by_records().await.expect("sums"));
}

#[tokio::test]
async fn an_operation_for_what_no_record_knows_is_ended_and_makes_nothing() {
    let bench = cleaning().await;
    let worker = bench.worker().await;
    let volume = bench.create(1).await;
    forget(&bench, volume.id).await;
    let mut watch = Watch::default();
    assert_eq!(look(&worker, &mut watch).await.waiting, 1);
    assert_eq!(look(&worker, &mut watch).await.cleaned, 1);
    let _host = bench.host().await;
    bench.quiet().await;
    assert_eq!(bench.backend.volume_count(), 0);
}

#[tokio::test]
async fn a_file_of_an_image_that_was_never_finished_goes_if_its_operation_has_ended() {
    let bench = cleaning().await;
    let volume = {
        let _host = bench.host().await;
        bench.available(1).await
    };
    let image = bench
        .intake
        .upload_volume(&bench.who, volume.id, "image".to_owned(), crate::image::ImageFormat::Raw, false)
        .await;
    image.expect("taken in");
    let uploading = bench.volume(volume.id).await.expect("there");
    let host = bench.host().await;
    bench.quiet().await;
    let VolumeState::Uploading(ended) = uploading.state else { panic!("{:?}", uploading.state) };
    let of_ended = bench.images().join(image::part(ended));
    let of_nobody = bench.images().join(image::part(OpId::new()));
    for file in [&of_ended, &of_nobody] {
        std::fs::write(file, "half").expect("written");
    }
    let mut watch = Watch::default();
    assert_eq!(look(&host.worker, &mut watch).await.waiting, 1);
    assert_eq!(look(&host.worker, &mut watch).await.cleaned, 1);
    assert!(!of_ended.exists());
    assert!(of_nobody.exists(), "what the log does not know is left to people");
}

#[tokio::test]
async fn what_is_under_way_is_no_finding() {
    let bench = cleaning().await;
    let worker = bench.worker().await;
    bench.create(1).await;
    assert_eq!(kinds(&worker).await, []);
    let host = bench.host().await;
    bench.quiet().await;
    assert_eq!(kinds(&host.worker).await, []);
}

#[tokio::test]
async fn a_host_that_lost_its_backend_mends_nothing() {
    let bench = cleaning().await;
    let old = bench.worker().await;
    let volume = {
        let _host = bench.host().await;
        bench.available(1).await
    };
    forget(&bench, volume.id).await;
    let looked = old.reconcile_once(&mut Watch::default()).await;
    assert!(matches!(looked, Err(Error::Store(store::Error::Fenced { .. }))), "{looked:?}");
}

#[test]
fn what_cannot_be_cleaned_cannot_be_asked_to_be() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    for kind in Kind::ALL {
        let file = folder.path().join("ashlar.toml");
        let text = format!("state_directory = '/x'\nhost.reconcile.policy.{kind} = 'clean'\n");
        std::fs::write(&file, text).expect("written");
        let loaded = crate::config::Config::load(&file);
        assert_eq!(loaded.is_ok(), kind.cleaned().is_some(), "{kind}");
        assert!(loaded.is_err() || loaded.is_ok_and(|config| config.host.reconcile.policy(*kind) == Policy::Clean));
    }
}
