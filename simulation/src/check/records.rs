//! Records agree with each other.

use ashlar_common::{
    state::{AttachmentState, Status, attachment::Hold},
    store::records::{AttachmentRecord, Phase, VolumeRecord},
};

use super::Broken;
use crate::observer::View;

pub(crate) fn check(view: &View, broken: &mut Broken) {
    for volume in &view.volumes {
        let held: Vec<&AttachmentRecord> =
            view.attachments.iter().filter(|attachment| attachment.volume_id == volume.id).collect();
        let states: Vec<AttachmentState> = held.iter().map(|attachment| attachment.state.clone()).collect();
        let status = Status::of_volume(&volume.state, &states);
        if status != volume.status {
            broken.push(format!("volume {} is recorded as {}, and is {status}", volume.id, volume.status));
        }
        waits_for_open(view, "volume", &volume.id.to_string(), volume.state.op(), broken);
        clients(volume, &held, broken);
        if volume.provisioned < volume.size {
            broken.push(format!("volume {} counts for {} and has {}", volume.id, volume.provisioned, volume.size));
        }
    }
    for snapshot in &view.snapshots {
        if snapshot.state.status() != snapshot.status {
            broken.push(format!("snapshot {} is recorded as {}, and is not", snapshot.id, snapshot.status));
        }
        waits_for_open(view, "snapshot", &snapshot.id.to_string(), snapshot.state.op(), broken);
    }
    for member in &view.members {
        let count = view.members.iter().filter(|other| other.backend == member.backend).count();
        if count > member.seats as usize {
            broken.push(format!("{} hosts serve {}, which bears {}", count, member.backend, member.seats));
        }
    }
    for attachment in &view.attachments {
        waits_for_open(view, "attachment", &attachment.id.to_string(), attachment.state.op(), broken);
        if attachment.state == AttachmentState::Exported && attachment.connection.is_none() {
            broken.push(format!("attachment {} is exported, and nobody knows how to reach it", attachment.id));
        }
    }
}

/// What waits for an operation waits for one that has not ended.
fn waits_for_open(view: &View, what: &str, id: &str, op: Option<ashlar_common::ids::OpId>, broken: &mut Broken) {
    let Some(op) = op else { return };
    let open = view.operation(op).is_some_and(|(_, found)| matches!(found.phase, Phase::Pending | Phase::Running));
    if !open {
        broken.push(format!("{what} {id} waits for operation {op}, which is not open"));
    }
}

/// A volume for one client has one.
fn clients(volume: &VolumeRecord, held: &[&AttachmentRecord], broken: &mut Broken) {
    let holding = |one: &&&AttachmentRecord| one.state != AttachmentState::Failed(Hold::ErrorAttaching);
    let count = held.iter().filter(holding).count();
    if count > 1 && !volume.multi_attach {
        broken.push(format!("volume {} is for one client and has {count}", volume.id));
    }
}
