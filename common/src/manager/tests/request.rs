//! Each request of the table of recovery, with what it takes.

use super::bench::Bench;
use crate::{
    driver::{AccessMode, Connector},
    ids::{AttachmentId, ImageId, SnapshotId, VolumeId},
    image::ImageFormat,
    manager::{Intake, NewAttachment, NewSnapshot, NewVolume, Refusal, Requester, Source, recovery::table::Request},
    scheduler::Hints,
    state::Status,
    store::records::Metadata,
    units::ByteCount,
};

/// What a request is about; what it does not need is not there.
#[derive(Clone, Debug)]
pub(super) struct Things {
    pub(super) volume: VolumeId,
    pub(super) snapshots: Vec<SnapshotId>,
    pub(super) attachment: Option<AttachmentId>,
    pub(super) image: ImageId,
}

/// Makes what the request is about. A host must be there.
pub(super) async fn prepare(bench: &Bench, request: Request) -> Things {
    let volume = bench.available(1).await.id;
    let count = match request {
        Request::CreateFromSnapshot | Request::Revert | Request::DeleteSnapshot => 1,
        Request::DeleteWithSnapshots => 2,
        _ => 0,
    };
    let mut snapshots = Vec::new();
    for _ in 0..count {
        snapshots.push(bench.taken(volume).await.id);
    }
    let attachment = match request {
        Request::ExtendAttached | Request::Detach => {
            let made = bench.intake.create_attachment(&bench.who, attachment_of(volume)).await.expect("exported");
            bench.intake.complete_attachment(&bench.who, made.id).await.expect("attached");
            Some(made.id)
        }
        _ => None,
    };
    let image = ImageId::new();
    if request == Request::ImageIn {
        std::fs::write(bench.images().join(format!("{image}.raw")), [7; 4096]).expect("written");
    }
    Things { volume, snapshots, attachment, image }
}

/// Makes the request, and waits for its answer.
pub(super) async fn ask(intake: &Intake, who: &Requester, request: Request, things: &Things) -> Result<(), Refusal> {
    let volume = things.volume;
    let two = ByteCount::from_gib(2).expect("small");
    match request {
        Request::Create => intake.create_volume(who, volume_from(Source::Empty)).await.map(drop),
        Request::CreateFromSnapshot => {
            intake.create_volume(who, volume_from(Source::Snapshot(things.snapshots[0]))).await.map(drop)
        }
        Request::Clone => intake.create_volume(who, volume_from(Source::Volume(volume))).await.map(drop),
        Request::ImageIn => intake.create_volume(who, volume_from(Source::Image(things.image))).await.map(drop),
        Request::ImageOut => {
            intake.upload_volume(who, volume, "image".to_owned(), ImageFormat::Raw, false).await.map(drop)
        }
        Request::Delete => intake.delete_volume(who, volume, false).await,
        Request::DeleteWithSnapshots => intake.delete_volume(who, volume, true).await,
        Request::Extend => intake.extend_volume(who, volume, two, false).await,
        Request::ExtendAttached => intake.extend_volume(who, volume, two, true).await,
        Request::Revert => intake.revert_volume(who, volume, things.snapshots[0]).await,
        Request::CreateSnapshot => {
            let new = NewSnapshot { volume, name: None, description: None, metadata: Metadata::new(), force: false };
            intake.create_snapshot(who, new).await.map(drop)
        }
        Request::DeleteSnapshot => intake.delete_snapshot(who, things.snapshots[0]).await,
        Request::Attach => intake.create_attachment(who, attachment_of(volume)).await.map(drop),
        Request::Detach => intake.delete_attachment(who, things.attachment.expect("prepared with one")).await.map(drop),
        Request::Note => intake.reset_volume_status(who, volume, Status::Error).await,
    }
}

fn volume_from(source: Source) -> NewVolume {
    NewVolume {
        name: None,
        description: None,
        size: Some(ByteCount::from_gib(1).expect("small")),
        source,
        type_id: None,
        availability_zone: None,
        metadata: Metadata::new(),
        multi_attach: false,
        hints: Hints::default(),
    }
}

fn attachment_of(volume: VolumeId) -> NewAttachment {
    let mut connector = Connector::default();
    connector.0.insert("host".to_owned(), "client".into());
    NewAttachment { volume, instance_id: None, mode: AccessMode::ReadWrite, connector: Some(connector) }
}
