//! The clauses, as the model has them.

use ashlar_common::driver::{AccessMode, Capabilities, Kind};

use super::{Limits, Seen, allowed, explain};
use crate::{
    claims::Claims,
    model::{
        call::{Answer, AttachmentSlot, Call, SnapshotSlot, VolumeSlot},
        content::{Content, Stamp},
        world::World,
    },
};

const V: VolumeSlot = VolumeSlot(0);
const W: VolumeSlot = VolumeSlot(1);
const S: SnapshotSlot = SnapshotSlot(0);
const A: AttachmentSlot = AttachmentSlot(0);
const CHANGED: Answer = Answer::Changed;
const UNCHANGED: Answer = Answer::Unchanged;

/// A driver that can do the core, and revert.
fn core() -> Limits {
    let capabilities = Capabilities { revert: true, ..Capabilities::default() };
    Limits { claims: Claims { capabilities, ..Claims::default() }, attachments: 1, unit: 1 }
}

/// Makes the calls one after the other; each must have exactly these answers, and goes on with the first.
fn check(limits: &Limits, calls: &[(Call, &[Answer])]) -> World {
    let mut world = World::default();
    for (nth, (call, answers)) in (1..).zip(calls) {
        let allowed = allowed(&world, limits, call, nth);
        let given: Vec<_> = allowed.iter().map(|(answer, _)| *answer).collect();
        assert_eq!(given, *answers, "{call}");
        world = allowed[0].1.clone();
    }
    world
}

fn refused(kind: Kind) -> Answer {
    Answer::Refused(kind)
}

fn create(size: u64) -> Call {
    Call::Create { volume: V, size }
}

fn attach(attachment: u8, mode: AccessMode) -> Call {
    Call::Attach { volume: V, attachment: AttachmentSlot(attachment), mode }
}

#[test]
fn a_volume_is_made_once_and_removed_once() {
    let world = check(
        &core(),
        &[
            (create(10), &[CHANGED]),
            (create(10), &[UNCHANGED]),
            (create(11), &[refused(Kind::Conflict)]),
            (Call::Delete { volume: V }, &[CHANGED]),
            (Call::Delete { volume: V }, &[UNCHANGED]),
        ],
    );
    assert_eq!(world, World::default());
}

#[test]
fn an_attached_volume_stays_as_it_is_for_others() {
    let write = AccessMode::ReadWrite;
    check(
        &core(),
        &[
            (create(10), &[CHANGED]),
            (attach(0, write), &[CHANGED]),
            (attach(0, write), &[UNCHANGED]),
            (attach(0, AccessMode::ReadOnly), &[refused(Kind::Conflict)]),
            (attach(1, write), &[refused(Kind::Busy)]),
            (Call::Delete { volume: V }, &[refused(Kind::Busy)]),
            (Call::Extend { volume: V, size: 20, online: false }, &[refused(Kind::Busy)]),
            (Call::Snapshot { of: (S, V) }, &[refused(Kind::Busy)]),
            (Call::Clone { volume: W, size: 10, from: V }, &[refused(Kind::Busy)]),
            (Call::Detach { volume: V, attachment: A }, &[CHANGED]),
            (Call::DetachAll { volume: V }, &[UNCHANGED]),
            (Call::Delete { volume: V }, &[CHANGED]),
        ],
    );
}

#[test]
fn copies_are_made_once_also_when_their_source_is_gone() {
    let clone = |size| Call::Clone { volume: W, size, from: V };
    let copy = |size| Call::FromSnapshot { volume: VolumeSlot(2), size, of: (S, V) };
    check(
        &core(),
        &[
            (clone(10), &[refused(Kind::NotFound)]),
            (create(10), &[CHANGED]),
            (clone(9), &[refused(Kind::Invalid)]),
            (clone(10), &[CHANGED]),
            (Call::Snapshot { of: (S, V) }, &[CHANGED]),
            (Call::Snapshot { of: (S, V) }, &[UNCHANGED]),
            (Call::Snapshot { of: (S, W) }, &[refused(Kind::Conflict)]),
            (copy(12), &[CHANGED]),
            (Call::Delete { volume: V }, &[CHANGED, refused(Kind::Busy)]),
            (Call::DeleteSnapshot { of: (S, V) }, &[CHANGED]),
            (Call::DeleteSnapshot { of: (S, V) }, &[UNCHANGED]),
            (clone(10), &[UNCHANGED]),
            (copy(12), &[UNCHANGED]),
            (copy(13), &[refused(Kind::NotFound), refused(Kind::Conflict)]),
        ],
    );
}

#[test]
fn going_back_keeps_the_size_and_the_snapshot() {
    let limits = core();
    let mut world = check(&limits, &[(create(10), &[CHANGED])]);
    let play = |world: &mut World, nth, call| *world = allowed(world, &limits, &call, nth)[0].1.clone();
    let write = |world: &mut World, start, length, nth| {
        let volume = world.volumes.get_mut(&V).expect("it was made");
        volume.content.write(start, length, Stamp(nth));
    };
    write(&mut world, 0, 10, 2);
    play(&mut world, 3, Call::Snapshot { of: (S, V) });
    play(&mut world, 4, Call::Extend { volume: V, size: 20, online: false });
    write(&mut world, 5, 15, 5);
    play(&mut world, 6, Call::Revert { of: (S, V) });
    let (volume, snapshot) = (&world.volumes[&V], &world.snapshots[&S]);
    assert_eq!((volume.size, snapshot.size), (20, 10));
    assert_eq!(volume.content, Content::image(10, Stamp(2)));
    assert_eq!(snapshot.content, volume.content);
}

#[test]
fn what_is_not_known_is_both() {
    let worlds = explain(&[World::default()], &core(), &[(1, create(10), Seen::Unknown)]);
    assert_eq!(worlds.len(), 2);
    let worlds = explain(&[World::default()], &core(), &[(1, create(10), Seen::Nothing)]);
    assert_eq!(worlds, [World::default()]);
}

#[test]
fn calls_at_once_are_explained_by_an_order_or_not_at_all() {
    let there = check(&core(), &[(create(10), &[CHANGED])]);
    let delete = Call::Delete { volume: V };
    let seen = |first, second| {
        let calls = [(2, delete, Seen::Answer(first)), (3, create(11), Seen::Answer(second))];
        explain(std::slice::from_ref(&there), &core(), &calls)
    };
    let sizes = |worlds: &[World]| -> Vec<_> { worlds.iter().map(|w| w.volumes.get(&V).map(|v| v.size)).collect() };
    assert_eq!(sizes(&seen(CHANGED, CHANGED)), [Some(11)]);
    assert_eq!(sizes(&seen(CHANGED, refused(Kind::Conflict))), [None]);
    assert_eq!(sizes(&seen(refused(Kind::Busy), refused(Kind::Conflict))), [Some(10)]);
    assert_eq!(sizes(&seen(UNCHANGED, CHANGED)), []);
}
