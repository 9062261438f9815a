//! When all has come to rest: nothing is under way, the records say what the backends hold, and each request had its effect.

use ashlar_common::{
    ids::BackendName,
    state::{AttachmentState, SnapshotState, VolumeState, volume::Rest},
    store::records::{Phase, Work},
};

use super::{Broken, log::ended};
use crate::{backend::content::Content, client::request::Request, observer::View};

pub(crate) fn check<'a>(
    view: &View,
    backends: impl Iterator<Item = (&'a BackendName, &'a Content)>,
    requests: &[Request],
    broken: &mut Broken,
) {
    at_rest(view, requests, broken);
    for (name, content) in backends {
        volumes(view, name, content, broken);
        snapshots(view, name, content, broken);
        exports(view, name, content, broken);
    }
    for (_, operation) in &view.log {
        had_effect(view, &operation.work, operation.phase, broken);
    }
}

fn at_rest(view: &View, requests: &[Request], broken: &mut Broken) {
    for (_, operation) in view.log.iter().filter(|(_, operation)| !ended(operation)) {
        let why = operation.error.as_ref().map(|error| error.message.clone()).unwrap_or_default();
        broken.push(format!(
            "operation {} ({}) never ended: {:?}, tried {} times, {why}",
            operation.id,
            operation.work.name(),
            operation.phase,
            operation.attempts
        ));
    }
    for request in requests.iter().filter(|request| request.told.is_none()) {
        broken.push(format!("{} was never answered: {:?}", request.id(), request.what));
    }
}

/// Whether a record in this state says for certain what the backend holds.
fn is_certain(state: &VolumeState) -> bool {
    matches!(state, VolumeState::Available | VolumeState::Rest(Rest::Available))
}

fn volumes(view: &View, name: &BackendName, content: &Content, broken: &mut Broken) {
    let on_it = |backend: &BackendName| backend == name;
    for volume in view.volumes.iter().filter(|one| one.place.as_ref().is_some_and(|place| on_it(&place.backend))) {
        let held = content.volumes.get(&volume.id);
        match held {
            None if is_certain(&volume.state) => broken.push(format!("volume {} is not on its backend", volume.id)),
            Some(held) if is_certain(&volume.state) && held.size != volume.size => {
                broken.push(format!("volume {} is recorded with {}, and has {}", volume.id, volume.size, held.size));
            }
            _ => {}
        }
    }
    for id in content.volumes.keys() {
        let placed = |one: &&ashlar_common::store::records::VolumeRecord| {
            one.id == *id && one.place.as_ref().is_some_and(|place| place.backend == *name)
        };
        if view.volumes.iter().find(placed).is_none() {
            broken.push(format!("volume {id} is on {name}, and nobody knows of it"));
        }
    }
}

fn snapshots(view: &View, name: &BackendName, content: &Content, broken: &mut Broken) {
    for snapshot in view.snapshots.iter().filter(|snapshot| snapshot.place.backend == *name) {
        let held = content.snapshots.get(&snapshot.id);
        if snapshot.state == SnapshotState::Available && held.is_none_or(|held| held.size != snapshot.size) {
            broken.push(format!("snapshot {} is not on its backend as recorded", snapshot.id));
        }
    }
    for id in content.snapshots.keys() {
        if view.snapshots.iter().all(|snapshot| snapshot.id != *id) {
            broken.push(format!("snapshot {id} is on {name}, and nobody knows of it"));
        }
    }
}

fn exports(view: &View, name: &BackendName, content: &Content, broken: &mut Broken) {
    for (id, volume) in &content.exports {
        let known = view.attachments.iter().find(|attachment| attachment.id == *id);
        let claimed =
            known.is_some_and(|one| matches!(one.state, AttachmentState::Reserved | AttachmentState::Claimed));
        if known.is_none() || claimed {
            broken.push(format!("{name} exports volume {volume} as {id}, and nobody knows of it"));
        }
    }
    for attachment in view.attachments.iter().filter(|one| one.state == AttachmentState::Exported) {
        let here = content.volumes.contains_key(&attachment.volume_id);
        if here && !content.exports.contains_key(&attachment.id) {
            broken.push(format!("attachment {} is not exported", attachment.id));
        }
    }
}

/// What ended well has had its effect on the records.
fn had_effect(view: &View, work: &Work, phase: Phase, broken: &mut Broken) {
    let there = |id: &dyn ToString| view.volumes.iter().find(|volume| volume.id.to_string() == id.to_string());
    let done = phase == Phase::Done;
    match work {
        Work::DeleteVolume { volume, .. } if done == there(&volume.id).is_some() && gone_by_one(view, work) => {
            broken.push(format!("the removal of volume {} ended as {phase:?}", volume.id));
        }
        Work::ExtendVolume { volume, to, .. } if done && there(&volume.id).is_some_and(|now| now.size < *to) => {
            broken.push(format!("volume {} was extended to {to}, and is smaller", volume.id));
        }
        Work::CreateVolume { spec } | Work::CreateFromSnapshot { spec, .. } | Work::CloneVolume { spec, .. }
            if done
                && there(&spec.volume.id).is_some_and(|now| now.state == VolumeState::Rest(Rest::Error))
                && !harmed_later(view, work) =>
        {
            broken.push(format!("volume {} was made, and is in error", spec.volume.id));
        }
        _ => {}
    }
}

/// Whether this is the only removal of its volume.
fn gone_by_one(view: &View, work: &Work) -> bool {
    let id = work.subject().id();
    let removes = |work: &Work| matches!(work, Work::DeleteVolume { .. }) && work.subject().id() == id;
    view.log.iter().filter(|(_, operation)| removes(&operation.work)).count() == 1
}

/// Whether a later operation on the same volume may have put it in error.
fn harmed_later(view: &View, work: &Work) -> bool {
    let id = work.subject().id();
    view.log.iter().any(|(_, operation)| operation.work.subject().id() == id && operation.phase == Phase::Failed)
}
