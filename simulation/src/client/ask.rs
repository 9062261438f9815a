//! Choosing a request, and making it.

use ashlar_common::{
    driver::{AccessMode, Connector},
    ids::{SnapshotId, VolumeId},
    manager::{Intake, NewAttachment, NewSnapshot, NewVolume, Refusal, Requester, Source},
    scheduler::Hints,
    store::records::{AttachmentRecord, Metadata},
};
use fastrand::Rng;

use super::{request::What, told::Told};
use crate::{observer::View, plan::gib};

/// A request about something that is there, or was a moment ago.
pub(crate) fn choose(random: &mut Rng, view: &View) -> What {
    let volume = pick(random, &view.volumes.iter().map(|volume| volume.id).collect::<Vec<_>>());
    let snapshot = pick(random, &view.snapshots.iter().collect::<Vec<_>>());
    let attachment = pick(random, &view.attachments.iter().map(|one| one.id).collect::<Vec<_>>());
    let kind = random.u32(..100);
    match (kind, volume, snapshot, attachment) {
        (0..=11, Some(volume), ..) => What::Attach { volume, client: random.u32(..3), connect: random.u32(..4) > 0 },
        (12..=15, Some(volume), ..) => What::Initialize { volume, client: random.u32(..3) },
        (16..=18, Some(volume), ..) => What::Reserve { volume },
        (19..=20, Some(volume), ..) => What::Unreserve { volume },
        (21..=26, _, _, Some(attachment)) => What::Complete { attachment },
        (27..=36, _, _, Some(attachment)) => What::Detach { attachment },
        (37..=46, Some(volume), ..) => What::Delete { volume, cascade: random.bool() },
        (47..=54, Some(volume), ..) => What::Extend { volume, to: gib(random.u64(2..=6)) },
        (55..=64, Some(volume), ..) => What::Snapshot { volume },
        (65..=69, _, Some(snapshot), _) => What::DeleteSnapshot { snapshot: snapshot.id },
        (70..=74, _, Some(snapshot), _) => What::Revert { volume: snapshot.volume_id, snapshot: snapshot.id },
        _ => What::Create {
            size: gib(random.u64(1..=4)),
            source: source(random, volume, snapshot.map(|snapshot| snapshot.id)),
            multi_attach: random.bool(),
        },
    }
}

fn pick<T: Clone>(random: &mut Rng, from: &[T]) -> Option<T> {
    if from.is_empty() { None } else { Some(from[random.usize(..from.len())].clone()) }
}

fn source(random: &mut Rng, volume: Option<VolumeId>, snapshot: Option<SnapshotId>) -> Source {
    match (random.u32(..4), volume, snapshot) {
        (0, Some(volume), _) => Source::Volume(volume),
        (1, _, Some(snapshot)) => Source::Snapshot(snapshot),
        _ => Source::Empty,
    }
}

/// Makes the request at a process; tells what came of it.
pub(crate) async fn make(intake: Intake, request: String, what: What) -> Told {
    let who = Requester { project_id: "demo".to_owned(), user_id: "ann".to_owned(), request_id: request.clone() };
    match ask(&intake, &who, request, &what).await {
        Ok(made) => Told::Accepted(made),
        Err(refusal) => Told::of(&refusal, what.waits()),
    }
}

async fn ask(intake: &Intake, who: &Requester, name: String, what: &What) -> Result<Option<String>, Refusal> {
    let nothing = |()| None;
    match what {
        What::Create { size, source, multi_attach } => {
            let new = NewVolume {
                name: Some(name),
                description: None,
                size: Some(*size),
                source: *source,
                type_id: None,
                availability_zone: None,
                metadata: Metadata::new(),
                multi_attach: *multi_attach,
                hints: Hints::default(),
            };
            intake.create_volume(who, new).await.map(|volume| Some(volume.id.to_string()))
        }
        What::Delete { volume, cascade } => intake.delete_volume(who, *volume, *cascade).await.map(nothing),
        What::Extend { volume, to } => intake.extend_volume(who, *volume, *to, true).await.map(nothing),
        What::Snapshot { volume } => {
            let new = NewSnapshot {
                volume: *volume,
                name: Some(name),
                description: None,
                metadata: Metadata::new(),
                force: true,
            };
            intake.create_snapshot(who, new).await.map(|snapshot| Some(snapshot.id.to_string()))
        }
        What::DeleteSnapshot { snapshot } => intake.delete_snapshot(who, *snapshot).await.map(nothing),
        What::Revert { volume, snapshot } => intake.revert_volume(who, *volume, *snapshot).await.map(nothing),
        What::Attach { volume, client, connect } => {
            let new = NewAttachment {
                volume: *volume,
                instance_id: None,
                mode: AccessMode::ReadWrite,
                connector: connect.then(|| connector(*client)),
            };
            intake.create_attachment(who, new).await.map(|one: AttachmentRecord| Some(one.id.to_string()))
        }
        What::Complete { attachment } => intake.complete_attachment(who, *attachment).await.map(nothing),
        What::Detach { attachment } => intake.delete_attachment(who, *attachment).await.map(|_| None),
        What::Initialize { volume, client } => {
            intake.initialize_connection(who, *volume, connector(*client)).await.map(|_| None)
        }
        What::Reserve { volume } => intake.reserve(who, *volume).await.map(nothing),
        What::Unreserve { volume } => intake.unreserve(who, *volume).await.map(nothing),
    }
}

fn connector(client: u32) -> Connector {
    let mut connector = Connector::default();
    connector.0.insert("host".to_owned(), format!("client-{client}").into());
    connector
}
