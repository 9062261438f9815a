//! Every state with every event, as three tables: a new state or rule shows in their diff.

use std::fmt::Write;

use super::{
    AttachmentEvent, AttachmentState, SnapshotEvent, SnapshotState, Status, VolumeEvent, VolumeState, attachment::Hold,
    snapshot::SnapshotRest, volume::Rest,
};
use crate::ids::OpId;

const MINE: &str = "00000000-0000-4000-8000-00000000000a";
const OTHER: &str = "00000000-0000-4000-8000-00000000000b";

fn mine() -> OpId {
    MINE.parse().expect("a constant")
}

fn other() -> OpId {
    OTHER.parse().expect("a constant")
}

/// Rows `state + event -> state` or `refused`, with operation ids as `a` and `b`.
fn table<S: std::fmt::Debug, E: std::fmt::Debug, R: std::fmt::Debug>(
    states: &[S],
    events: &[E],
    on: impl Fn(&S, &E) -> Result<S, R>,
) -> String {
    let short = |text: String| text.replace(&format!("OpId({MINE})"), "a").replace(&format!("OpId({OTHER})"), "b");
    let mut rows = String::new();
    for state in states {
        for event in events {
            let after = on(state, event).map_or_else(|_| "refused".to_owned(), |after| short(format!("{after:?}")));
            let (state, event) = (short(format!("{state:?}")), short(format!("{event:?}")));
            writeln!(rows, "{state:<36} {event:<18} {after}").expect("a string takes everything");
        }
    }
    rows
}

#[test]
fn volume_states_and_events() {
    let (a, b) = (mine(), other());
    let rests = [Rest::Error, Rest::ErrorExtending, Rest::ErrorDeleting, Rest::Forced(Status::Maintenance)];
    let mut states = vec![
        VolumeState::Creating(a),
        VolumeState::Downloading(a),
        VolumeState::Available,
        VolumeState::Extending(a),
        VolumeState::Uploading(a),
        VolumeState::Reverting(a),
        VolumeState::Deleting(a, Rest::Available),
        VolumeState::Deleting(a, Rest::Error),
        VolumeState::Deleted,
    ];
    states.extend(rests.map(VolumeState::Rest));
    let events = [
        VolumeEvent::Extend(b),
        VolumeEvent::Upload(b),
        VolumeEvent::Revert(b),
        VolumeEvent::Delete(b),
        VolumeEvent::Done(a),
        VolumeEvent::Done(b),
        VolumeEvent::GaveBack(a),
        VolumeEvent::GaveBack(b),
        VolumeEvent::Failed(a),
        VolumeEvent::Failed(b),
        VolumeEvent::Reset(Status::Available),
        VolumeEvent::Reset(Status::Error),
        VolumeEvent::Reset(Status::Maintenance),
    ];
    insta::assert_snapshot!(table(&states, &events, VolumeState::on));
}

#[test]
fn snapshot_states_and_events() {
    let (a, b) = (mine(), other());
    let states = [
        SnapshotState::Creating(a),
        SnapshotState::Available,
        SnapshotState::Deleting(a, SnapshotRest::Available),
        SnapshotState::Deleting(a, SnapshotRest::Error),
        SnapshotState::Rest(SnapshotRest::Error),
        SnapshotState::Rest(SnapshotRest::ErrorDeleting),
        SnapshotState::Rest(SnapshotRest::Forced(Status::Deleting)),
        SnapshotState::Deleted,
    ];
    let events = [
        SnapshotEvent::Delete(b),
        SnapshotEvent::Done(a),
        SnapshotEvent::Done(b),
        SnapshotEvent::GaveBack(a),
        SnapshotEvent::GaveBack(b),
        SnapshotEvent::Failed(a),
        SnapshotEvent::Failed(b),
        SnapshotEvent::Reset(Status::Available),
        SnapshotEvent::Reset(Status::Error),
        SnapshotEvent::Reset(Status::Deleting),
    ];
    insta::assert_snapshot!(table(&states, &events, SnapshotState::on));
}

#[test]
fn attachment_states_and_events() {
    let (a, b) = (mine(), other());
    let states = [
        AttachmentState::Reserved,
        AttachmentState::Claimed,
        AttachmentState::Exporting(a, Hold::Claimed),
        AttachmentState::Exporting(a, Hold::Exported),
        AttachmentState::Exported,
        AttachmentState::Attached,
        AttachmentState::Leaving,
        AttachmentState::Removing(a, Hold::Reserved),
        AttachmentState::Removing(a, Hold::Attached),
        AttachmentState::Removing(a, Hold::ErrorDetaching),
        AttachmentState::Failed(Hold::ErrorAttaching),
        AttachmentState::Failed(Hold::ErrorDetaching),
        AttachmentState::Deleted,
    ];
    let events = [
        AttachmentEvent::Export(b),
        AttachmentEvent::Complete,
        AttachmentEvent::BeginLeaving,
        AttachmentEvent::Stay,
        AttachmentEvent::Remove(b),
        AttachmentEvent::Forget,
        AttachmentEvent::Done(a),
        AttachmentEvent::Done(b),
        AttachmentEvent::GaveBack(a),
        AttachmentEvent::GaveBack(b),
        AttachmentEvent::Failed(a),
        AttachmentEvent::Failed(b),
    ];
    insta::assert_snapshot!(table(&states, &events, AttachmentState::on));
}

#[test]
fn the_most_urgent_attachment_names_the_status_of_a_resting_volume() {
    let of = |attachments: &[AttachmentState]| Status::of_volume(&VolumeState::Available, attachments);
    assert_eq!(of(&[]), Status::Available);
    assert_eq!(of(&[AttachmentState::Reserved]), Status::Reserved);
    assert_eq!(of(&[AttachmentState::Claimed]), Status::Attaching);
    assert_eq!(of(&[AttachmentState::Reserved, AttachmentState::Attached]), Status::InUse);
    assert_eq!(of(&[AttachmentState::Attached, AttachmentState::Leaving]), Status::Detaching);
    assert_eq!(of(&[AttachmentState::Failed(Hold::ErrorDetaching), AttachmentState::Attached]), Status::ErrorDetaching);
}

#[test]
fn a_volume_at_work_says_so_whoever_holds_it() {
    let extending = VolumeState::Extending(mine());
    assert_eq!(Status::of_volume(&extending, &[AttachmentState::Attached]), Status::Extending);
}

#[test]
fn every_status_reads_back_from_its_word() {
    for status in Status::ALL {
        assert_eq!(status.as_str().parse(), Ok(*status));
    }
    assert!("bogus".parse::<Status>().is_err());
}
