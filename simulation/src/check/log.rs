//! The log only goes forward: ended operations stay as they are, tries are counted, progress does not go back, and only
//! members end operations.

use ashlar_common::{
    ids::BackendName,
    store::records::{Operation, Phase},
};

use super::Broken;
use crate::observer::View;

pub(crate) fn check(before: &View, now: &View, broken: &mut Broken) {
    for (place, operation) in &before.log {
        let Some((new_place, new)) = now.operation(operation.id) else {
            broken.push(format!("operation {} is no longer in the log", operation.id));
            continue;
        };
        let id = operation.id;
        if new_place != place {
            broken.push(format!("operation {id} moved in the log from {place} to {new_place}"));
        }
        if ended(operation) && new != operation {
            broken.push(format!("operation {id} had ended as {:?} and was changed", operation.phase));
        }
        let member = |view: &View| view.members.iter().any(|one| one.backend == new.backend && one.epoch == new.epoch);
        // A host may join, end it, die and be followed, all in one long step.
        let came_and_went = new.epoch > newest_epoch(before, &new.backend);
        if !ended(operation) && ended(new) && !member(before) && !member(now) && !came_and_went {
            broken.push(format!("operation {id} was ended under epoch {}, which is no member any more", new.epoch));
        }
        if new.attempts < operation.attempts {
            broken.push(format!("operation {id} was tried {} times, and now {}", operation.attempts, new.attempts));
        }
        if new.percent < operation.percent {
            broken.push(format!("operation {id} went back from {} % to {} %", operation.percent, new.percent));
        }
    }
    for (_, operation) in &now.log {
        if operation.phase == Phase::Failed && operation.error.is_none() {
            broken.push(format!("operation {} failed without a word", operation.id));
        }
        let told = now.messages.iter().any(|message| message.request_id == operation.request_id);
        if operation.phase == Phase::Failed && !told && subject_is_known(now, operation) {
            broken.push(format!("operation {} failed, and its user was not told", operation.id));
        }
    }
}

/// The newest epoch of a backend that anything tells of.
fn newest_epoch(view: &View, backend: &BackendName) -> u64 {
    let members = view.members.iter().filter(|member| member.backend == *backend).map(|member| member.epoch);
    let claimed = view.log.iter().map(|(_, operation)| operation).filter(|operation| operation.backend == *backend);
    members.chain(claimed.map(|operation| operation.epoch)).max().unwrap_or(0)
}

pub(crate) fn ended(operation: &Operation) -> bool {
    matches!(operation.phase, Phase::Done | Phase::Failed)
}

/// Whose record is gone has nobody who could be told.
fn subject_is_known(view: &View, operation: &Operation) -> bool {
    let id = operation.work.subject().id();
    view.volumes.iter().any(|volume| volume.id.to_string() == id)
        || view.snapshots.iter().any(|snapshot| snapshot.id.to_string() == id)
        || view.attachments.iter().any(|attachment| attachment.id.to_string() == id)
}
