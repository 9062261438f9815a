//! How a state that waits for an operation which is not there goes on: by what the backend holds. Pure.

use crate::{
    driver::{Snapshot, Volume},
    ids::OpId,
    state::{AttachmentEvent, AttachmentState, SnapshotEvent, SnapshotState, VolumeEvent, VolumeState},
    units::ByteCount,
};

/// How the operation that is not there would have ended: well where the backend shows its effect, given back where it
/// shows that nothing was done, else failed. `None` for a state that waits for nothing.
#[must_use]
pub fn volume(
    state: &VolumeState,
    size: ByteCount,
    wanted: ByteCount,
    held: Option<&Volume>,
) -> Option<(OpId, VolumeEvent)> {
    let op = state.op()?;
    let held = held.map(|held| held.size);
    let event = match state {
        VolumeState::Creating(_) | VolumeState::Downloading(_) if held == Some(size) => VolumeEvent::Done(op),
        VolumeState::Extending(_) if held.is_some_and(|held| held >= wanted) => VolumeEvent::Done(op),
        VolumeState::Extending(_) if held == Some(size) => VolumeEvent::GaveBack(op),
        VolumeState::Deleting(..) if held.is_none() => VolumeEvent::Done(op),
        _ => VolumeEvent::Failed(op),
    };
    Some((op, event))
}

/// The same for a snapshot.
#[must_use]
pub fn snapshot(state: &SnapshotState, held: Option<&Snapshot>) -> Option<(OpId, SnapshotEvent)> {
    let op = state.op()?;
    let done = match state {
        SnapshotState::Creating(_) => held.is_some(),
        SnapshotState::Deleting(..) => held.is_none(),
        _ => false,
    };
    Some((op, if done { SnapshotEvent::Done(op) } else { SnapshotEvent::Failed(op) }))
}

/// The same for an attachment: only the driver call itself would bring its connection, or prove that it is gone.
#[must_use]
pub fn attachment(state: &AttachmentState) -> Option<(OpId, AttachmentEvent)> {
    state.op().map(|op| (op, AttachmentEvent::Failed(op)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{driver::VolumeRef, ids::VolumeId, state::volume::Rest};

    /// A state of a volume of one GiB, growing to two, on a backend that holds `held` GiB of it, and where it goes.
    fn check(state: VolumeState, held: Option<u64>, expected: VolumeState) {
        let gib = |size| ByteCount::from_gib(size).expect("small");
        let held = held.map(|size| Volume {
            volume: VolumeRef { id: VolumeId::new(), pool: "pool".parse().expect("a name") },
            size: gib(size),
            allocated: None,
            attachments: Vec::new(),
        });
        let (_, event) = volume(&state, gib(1), gib(2), held.as_ref()).expect("it waits");
        assert_eq!(state.on(&event), Ok(expected));
    }

    #[test]
    fn each_state_goes_where_the_backend_says() {
        let op = OpId::new();
        for making in [VolumeState::Creating(op), VolumeState::Downloading(op)] {
            check(making.clone(), Some(1), VolumeState::Available);
            check(making.clone(), None, VolumeState::Rest(Rest::Error));
            check(making, Some(2), VolumeState::Rest(Rest::Error));
        }
        check(VolumeState::Extending(op), Some(2), VolumeState::Available);
        check(VolumeState::Extending(op), Some(1), VolumeState::Available);
        check(VolumeState::Extending(op), None, VolumeState::Rest(Rest::ErrorExtending));
        check(VolumeState::Uploading(op), Some(1), VolumeState::Available);
        check(VolumeState::Reverting(op), Some(1), VolumeState::Rest(Rest::Error));
        check(VolumeState::Deleting(op, Rest::Available), None, VolumeState::Deleted);
        check(VolumeState::Deleting(op, Rest::Available), Some(1), VolumeState::Rest(Rest::ErrorDeleting));
    }

    #[test]
    fn what_waits_for_nothing_is_left_alone() {
        let size = ByteCount::from_gib(1).expect("small");
        assert_eq!(volume(&VolumeState::Available, size, size, None), None);
        assert_eq!(snapshot(&SnapshotState::Available, None), None);
        assert_eq!(attachment(&AttachmentState::Attached), None);
    }
}
