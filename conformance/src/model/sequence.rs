//! What may come next in a sequence: numbers by chance, and what they mean in a world.
//!
//! Chance draws plain numbers and knows no world; each is given its meaning just before it is played. So a sequence from
//! which steps were taken is still one, and smaller numbers mean simpler things: that is what makes shrinking work.

use std::fmt;

use ashlar_common::driver::{AccessMode, Kind};
use proptest::{collection::vec, strategy::Strategy};

use super::{
    call::{ATTACHMENTS, Answer, AttachmentSlot, Call, SNAPSHOTS, SnapshotOf, SnapshotSlot, VOLUMES, VolumeSlot},
    content::Stamp,
    rules::{Allowed, Limits, allowed},
    world::{Mode, World},
};

/// Sizes around every rounding that a backend may do, none of them large.
const SIZES: [u64; 8] = [4096, 512, 65_536, 1, 4097, 262_144, 65_535, 1 << 20];
/// What a volume or copy is larger by than what it is made of.
const MORE: [u64; 4] = [1, 4096, 65_536, 300_001];

/// Numbers by chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drawn {
    what: u8,
    volume: u8,
    other: u8,
    number: u8,
    trouble: u8,
    when: u8,
}

/// What a sequence may have besides calls, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// Nothing.
    Plain,
    /// Faults before and after the effect, and calls that are stopped.
    Faults,
    /// Hosts that are killed during a call.
    Kills,
    /// Several calls at once.
    AtOnce,
}

/// What is done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A call.
    Call(Call),
    /// A client writes and syncs.
    Write { volume: VolumeSlot, attachment: AttachmentSlot, offset: u64, length: u64 },
    /// The host is ended between calls, and another started.
    Restart,
    /// All bytes are compared.
    Check,
}

/// What befalls a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing.
    None,
    /// It is refused on its way to the driver.
    Before(Kind),
    /// Its answer is lost on the way back.
    After,
    /// It hangs on its way to the driver, until it is cancelled.
    HangBefore,
    /// It hangs on the way back, until it is cancelled.
    HangAfter,
    /// It is cancelled: at its so many-th effect, or so much later where effects cannot be seen.
    Cancel(u8),
    /// The host is killed, at such a time.
    Kill(u8),
}

/// Sequences of a flavour. Each step is one thing, or several at once.
pub(crate) fn sequences(flavour: Flavour, longest: usize) -> impl Strategy<Value = Vec<Vec<Drawn>>, Tree: Send> {
    let numbers = (0..WHATS, 0..VOLUMES, 0..12_u8, 0..=u8::MAX, 0..=u8::MAX, 0..=u8::MAX);
    let drawn = numbers.prop_map(draw as fn(_) -> _);
    let at_once = if flavour == Flavour::AtOnce { 3 } else { 1 };
    vec(vec(drawn, 1..=at_once), 1..=longest)
}

fn draw((what, volume, other, number, trouble, when): (u8, u8, u8, u8, u8, u8)) -> Drawn {
    Drawn { what, volume, other, number, trouble, when }
}

/// From this number on, what is drawn is asked for whether it makes sense or not.
const VAIN: u8 = 200;
/// One more than the largest number with a meaning in [`Drawn::action`].
const WHATS: u8 = 100;

impl Drawn {
    /// What it means in this world.
    #[must_use]
    pub(crate) fn action(&self, world: &World, limits: &Limits, nth: u32) -> Action {
        let live = pick(world.volumes.keys(), self.volume).unwrap_or(VolumeSlot(self.volume % VOLUMES));
        let new = self.new_slot(world);
        let what = self.what_can_be(world);
        let call = match what {
            0..10 => Call::Create { volume: new, size: self.size() },
            10..32 => return self.write(world, limits),
            32..42 => Call::Snapshot { of: (SnapshotSlot(self.other % SNAPSHOTS), live) },
            42..50 => self.copy_snapshot(world, new),
            50..58 => self.copy_volume(world, new),
            58..64 => self.extend(world, live),
            64..70 if limits.claims.capabilities.revert => Call::Revert { of: self.snapshot(world) },
            64..73 => self.attach(live),
            73..76 => Call::Detach { volume: live, attachment: AttachmentSlot(self.other % ATTACHMENTS) },
            76..78 => Call::DetachAll { volume: live },
            78..87 => Call::Delete { volume: live },
            87..91 => Call::DeleteSnapshot { of: self.snapshot(world) },
            91..94 => self.image_in(new, nth),
            94..96 => Call::ImageOut { volume: live },
            96..98 => return Action::Restart,
            _ => return Action::Check,
        };
        Action::Call(self.unless_in_use(call.in_units(limits.unit), world, limits))
    }

    /// Most of what is refused because a client has the volume makes the client let go instead.
    fn unless_in_use(&self, call: Call, world: &World, limits: &Limits) -> Call {
        let busy = |(answer, _): &Allowed| *answer == Answer::Refused(Kind::Busy);
        if self.number >= VAIN || !allowed(world, limits, &call, 0).iter().all(busy) {
            return call;
        }
        let attached = |slot: &VolumeSlot| world.volumes.get(slot).is_some_and(|volume| !volume.attachments.is_empty());
        let in_use = call.volumes().into_iter().find(attached);
        in_use.map_or(call, |volume| Call::DetachAll { volume })
    }

    /// Most of what cannot be done yet leads there: a snapshot where there is none to go back to, a volume where there is
    /// none to be attached. The rest is asked for in vain.
    fn what_can_be(&self, world: &World) -> u8 {
        let of_volumes = matches!(self.what, 10..42 | 50..87 | 94..96);
        let of_snapshots = matches!(self.what, 42..50 | 64..70 | 87..91);
        match self.what {
            what if self.number >= VAIN => what,
            _ if world.volumes.is_empty() && (of_volumes || of_snapshots) => 0,
            _ if world.snapshots.is_empty() && of_snapshots => 32,
            what => what,
        }
    }

    /// Where to make a volume: mostly where none is.
    fn new_slot(&self, world: &World) -> VolumeSlot {
        let slots = || (0..VOLUMES).map(|more| VolumeSlot((self.volume + more) % VOLUMES));
        let free = slots().find(|slot| !world.volumes.contains_key(slot));
        free.filter(|_| self.number < VAIN).unwrap_or(VolumeSlot(self.volume % VOLUMES))
    }

    /// What befalls it, and whether it is asked for once more where that leaves its outcome open.
    #[must_use]
    pub(crate) fn trouble(&self, flavour: Flavour) -> (Trouble, bool) {
        const BEFORE: [Kind; 3] = [Kind::Unavailable, Kind::Busy, Kind::OutOfSpace];
        let trouble = match flavour {
            Flavour::Plain | Flavour::AtOnce => Trouble::None,
            Flavour::Kills => {
                if self.trouble < 128 {
                    Trouble::None
                } else {
                    Trouble::Kill(self.when)
                }
            }
            Flavour::Faults => match self.trouble {
                0..80 => Trouble::None,
                80..100 => Trouble::Before(BEFORE[usize::from(self.when) % BEFORE.len()]),
                100..160 => Trouble::After,
                160..170 => Trouble::HangBefore,
                170..200 => Trouble::HangAfter,
                _ => Trouble::Cancel(self.when),
            },
        };
        (trouble, self.trouble.is_multiple_of(2))
    }

    fn size(&self) -> u64 {
        SIZES[usize::from(self.number) % SIZES.len()]
    }

    fn more(&self, than: u64) -> u64 {
        than + MORE[usize::from(self.number) % MORE.len()]
    }

    /// A snapshot that is there, if any is; now and then with a volume that it is not of.
    fn snapshot(&self, world: &World) -> SnapshotOf {
        let wrong = VolumeSlot(self.volume % VOLUMES);
        match pick(world.snapshots.keys(), self.other) {
            Some(id) if self.number < 240 => (id, world.snapshots.get(&id).map_or(wrong, |snapshot| snapshot.volume)),
            Some(id) => (id, wrong),
            None => (SnapshotSlot(self.other % SNAPSHOTS), wrong),
        }
    }

    fn copy_snapshot(&self, world: &World, volume: VolumeSlot) -> Call {
        let of = self.snapshot(world);
        let size = world.snapshots.get(&of.0).map_or(4096, |snapshot| snapshot.size);
        Call::FromSnapshot { volume, size: self.copy_of(size), of }
    }

    fn copy_volume(&self, world: &World, volume: VolumeSlot) -> Call {
        let from = pick(world.volumes.keys(), self.other).unwrap_or(VolumeSlot(self.other % VOLUMES));
        let size = world.volumes.get(&from).map_or(4096, |volume| volume.size);
        Call::Clone { volume, size: self.copy_of(size), from }
    }

    /// The size of a copy: mostly the same.
    fn copy_of(&self, size: u64) -> u64 {
        match self.number {
            0..140 => size,
            140..180 | VAIN.. => self.more(size),
            180..VAIN => (size - 1).max(1),
        }
    }

    fn extend(&self, world: &World, volume: VolumeSlot) -> Call {
        let there = world.volumes.get(&volume);
        let (size, online) = there.map_or((4096, false), |there| (there.size, !there.attachments.is_empty()));
        let size = match self.number {
            0..220 => self.more(size),
            220..240 => size,
            _ => (size - 1).max(1),
        };
        Call::Extend { volume, size, online }
    }

    fn attach(&self, volume: VolumeSlot) -> Call {
        let mode = if self.number < 192 { AccessMode::ReadWrite } else { AccessMode::ReadOnly };
        Call::Attach { volume, attachment: AttachmentSlot(self.other % ATTACHMENTS), mode }
    }

    /// A write where a client can, or what leads there.
    fn write(&self, world: &World, limits: &Limits) -> Action {
        let Some(volume) = pick(world.volumes.keys(), self.volume) else {
            let volume = VolumeSlot(self.volume % VOLUMES);
            return Action::Call(Call::Create { volume, size: self.size() }.in_units(limits.unit));
        };
        let there = world.volumes.get(&volume);
        let writing = there.and_then(|there| there.attachments.iter().find(|(_, mode)| **mode == Mode::Write));
        let (Some(there), Some((attachment, _))) = (there, writing) else {
            let mode = AccessMode::ReadWrite;
            return Action::Call(Call::Attach { volume, attachment: AttachmentSlot(0), mode });
        };
        let offset = [0, there.size / 2, there.size - 1, there.size / 3][usize::from(self.other) % 4];
        let length = [4096, 1, 512, 70_000][usize::from(self.number) % 4].min(there.size - offset);
        Action::Write { volume, attachment: *attachment, offset, length }
    }

    fn image_in(&self, volume: VolumeSlot, nth: u32) -> Call {
        let size = self.size();
        let length = match self.other {
            0..6 => size,
            6..11 => size.div_ceil(2),
            _ => size + 512,
        };
        Call::ImageIn { volume, size, length, stamp: Stamp(nth) }
    }
}

/// One of these by a number.
fn pick<'a, T: Copy + 'a>(from: impl ExactSizeIterator<Item = &'a T>, by: u8) -> Option<T> {
    let count = from.len();
    let mut from = from;
    if count == 0 { None } else { from.nth(usize::from(by) % count).copied() }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Before(kind) => write!(f, ", refused on its way ({kind})"),
            Self::After => f.write_str(", its answer lost"),
            Self::HangBefore => f.write_str(", hanging on its way, then cancelled"),
            Self::HangAfter => f.write_str(", hanging on the way back, then cancelled"),
            Self::Cancel(_) => f.write_str(", cancelled meanwhile"),
            Self::Kill(_) => f.write_str(", the host killed meanwhile"),
        }
    }
}
