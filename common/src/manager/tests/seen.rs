//! What there is, before and after a death: in the store, on the backend, and in the directory of images.

use std::collections::{BTreeMap, BTreeSet};

use super::{bench::Bench, request::Things};
use crate::{
    ids::{AttachmentId, SnapshotId, VolumeId},
    manager::recovery::table::Request,
    state::Status,
    units::ByteCount,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    volumes: BTreeMap<VolumeId, (Status, ByteCount)>,
    snapshots: BTreeMap<SnapshotId, Status>,
    /// With the word of the attachments API.
    attachments: BTreeMap<AttachmentId, &'static str>,
    exports: BTreeSet<AttachmentId>,
    images: BTreeSet<String>,
}

pub(super) async fn seen(bench: &Bench) -> Seen {
    let mut tx = bench.intake.store().read().await.expect("a view");
    let backend = "disk".parse().expect("a name");
    let volumes = tx.volumes_on(&backend).await.expect("volumes");
    let ids: Vec<VolumeId> = volumes.iter().map(|volume| volume.id).collect();
    let attachments = tx.attachments_of(&ids).await.expect("attachments");
    let snapshots = tx.snapshots_on(&backend).await.expect("snapshots");
    let images = std::fs::read_dir(bench.images()).expect("a directory");
    Seen {
        volumes: volumes.into_iter().map(|volume| (volume.id, (volume.status, volume.size))).collect(),
        snapshots: snapshots.into_iter().map(|snapshot| (snapshot.id, snapshot.status)).collect(),
        attachments: attachments.into_iter().map(|one| (one.id, one.state.word())).collect(),
        exports: bench.backend.exports(),
        images: images.map(|image| image.expect("an entry").file_name().to_string_lossy().into_owned()).collect(),
    }
}

impl Seen {
    /// What is neither at rest nor with a client.
    pub(super) fn transient(&self) -> Vec<String> {
        let rest = [Status::Available, Status::InUse, Status::Attaching, Status::Error];
        let volumes = self.volumes.iter().filter(|(_, (status, _))| !rest.contains(status));
        let snapshots = self.snapshots.iter().filter(|(_, status)| **status != Status::Available);
        let volumes = volumes.map(|(id, (status, _))| format!("volume {id} is {status}"));
        volumes.chain(snapshots.map(|(id, status)| format!("snapshot {id} is {status}"))).collect()
    }
}

/// What was asked for is so, once.
pub(super) fn assert_end(request: Request, things: &Things, before: &Seen, after: &Seen, row: &str) {
    let mut expected = before.clone();
    let gib = |size| ByteCount::from_gib(size).expect("small");
    match request {
        Request::Create | Request::CreateFromSnapshot | Request::Clone | Request::ImageIn => {
            expected.volumes.insert(only_new(&before.volumes, &after.volumes, row), (Status::Available, gib(1)));
        }
        Request::ImageOut => {
            let new: Vec<&String> = after.images.difference(&before.images).collect();
            assert!(new.len() == 1 && new[0].ends_with(".raw") && !new[0].starts_with('.'), "{row}: {new:?}");
            expected.images.clone_from(&after.images);
        }
        Request::Delete | Request::DeleteWithSnapshots => {
            expected.volumes.remove(&things.volume);
            expected.snapshots.retain(|id, _| !things.snapshots.contains(id));
        }
        Request::Extend => drop(expected.volumes.insert(things.volume, (Status::Available, gib(2)))),
        Request::ExtendAttached => drop(expected.volumes.insert(things.volume, (Status::InUse, gib(2)))),
        Request::Revert => {}
        Request::CreateSnapshot => {
            expected.snapshots.insert(only_new(&before.snapshots, &after.snapshots, row), Status::Available);
        }
        Request::DeleteSnapshot => expected.snapshots.retain(|id, _| !things.snapshots.contains(id)),
        Request::Attach => {
            let id = only_new(&before.attachments, &after.attachments, row);
            expected.attachments.insert(id, "attaching");
            expected.exports.insert(id);
            expected.volumes.insert(things.volume, (Status::Attaching, gib(1)));
        }
        Request::Detach => {
            expected.attachments.retain(|id, _| Some(*id) != things.attachment);
            expected.exports.retain(|id| Some(*id) != things.attachment);
            expected.volumes.insert(things.volume, (Status::Available, gib(1)));
        }
        Request::Note => drop(expected.volumes.insert(things.volume, (Status::Error, gib(1)))),
    }
    assert_eq!(*after, expected, "{row}");
}

/// The one that was not there before.
fn only_new<K: Copy + Ord, V>(before: &BTreeMap<K, V>, after: &BTreeMap<K, V>, row: &str) -> K {
    let new: Vec<K> = after.keys().filter(|id| !before.contains_key(id)).copied().collect();
    assert_eq!(new.len(), 1, "{row}: one is new");
    new[0]
}
