//! Snapshots, what is made of them, and images out.

use ashlar_common::driver::Kind;

use super::{Allowed, Asked};
use crate::model::{
    call::{Answer, SnapshotOf, VolumeSlot},
    world::{Origin, Snapshot, Volume},
};

impl Asked<'_> {
    /// \[snapshot.1\] \[snapshot.2\]
    pub(super) fn snapshot(&self, (id, volume): SnapshotOf) -> Vec<Allowed> {
        let source = self.world.volumes.get(&volume);
        match (self.world.snapshots.get(&id), source) {
            (Some(there), _) if there.volume == volume => {
                let another = source.is_some_and(|source| source.made != there.volume_made);
                self.unchanged()
                    .into_iter()
                    .chain(self.refused(if another { &[Kind::Conflict] } else { &[] }))
                    .collect()
            }
            (Some(_), Some(_)) => self.refused(&[Kind::Conflict]),
            (Some(_), None) => self.refused(&[Kind::Conflict, Kind::NotFound]),
            (None, None) => self.refused(&[Kind::NotFound]),
            (None, Some(source)) => {
                let content = source.content.clone();
                let (size, volume_made) = (source.size, source.made);
                let taken = Snapshot { made: self.nth, volume, volume_made, size, content };
                self.unless_busy(source, || {
                    self.changed(|world| {
                        world.snapshots.insert(id, taken);
                    })
                })
            }
        }
    }

    /// \[snapshot.3\] One that is said to be of another volume than it is of is not there, or that is told.
    pub(super) fn delete_snapshot(&self, (id, volume): SnapshotOf) -> Vec<Allowed> {
        match self.world.snapshots.get(&id) {
            None => self.unchanged(),
            Some(there) if there.volume == volume => self.changed(|world| {
                world.snapshots.remove(&id);
            }),
            Some(_) => self.unchanged().into_iter().chain(self.refused(&[Kind::Conflict])).collect(),
        }
    }

    /// \[copy.1\] \[copy.2\]
    pub(super) fn copy_snapshot(&self, volume: VolumeSlot, size: u64, of: SnapshotOf) -> Vec<Allowed> {
        let source = self.world.snapshots.get(&of.0);
        let right = source.filter(|source| source.volume == of.1);
        let mut wrong = Vec::new();
        match (source, right) {
            (_, Some(source)) if size < source.size => wrong.push(Kind::Invalid),
            (_, Some(_)) => {}
            (Some(_), None) => wrong.extend([Kind::NotFound, Kind::Conflict]),
            (None, None) => wrong.push(Kind::NotFound),
        }
        if let Some(there) = self.world.volumes.get(&volume) {
            let as_said = |made: &u32| right.is_none_or(|source| source.made == *made);
            return match &there.origin {
                Origin::Snapshot(from, made) if *from == of && there.size == size => self.again(as_said(made)),
                _ => self.refused(&[&*wrong, &[Kind::Conflict]].concat()),
            };
        }
        match right {
            Some(source) if wrong.is_empty() => {
                self.made(volume, size, Origin::Snapshot(of, source.made), source.content.clone())
            }
            _ => self.refused(&wrong),
        }
    }

    /// \[copy.1\] \[copy.2\]
    pub(super) fn copy_volume(&self, volume: VolumeSlot, size: u64, from: VolumeSlot) -> Vec<Allowed> {
        let source = self.world.volumes.get(&from);
        let mut wrong = match source {
            Some(source) if size < source.size => vec![Kind::Invalid],
            Some(_) => vec![],
            None => vec![Kind::NotFound],
        };
        if volume == from {
            wrong.push(Kind::Invalid);
        }
        if let Some(there) = self.world.volumes.get(&volume) {
            let as_said = |made: &u32| source.is_none_or(|source| source.made == *made);
            if let Origin::Volume(was, made) = &there.origin
                && *was == from
                && there.size == size
            {
                return self.again(as_said(made));
            }
            if source.is_some_and(|source| !source.attachments.is_empty()) {
                wrong.push(Kind::Busy);
            }
            return self.refused(&[&*wrong, &[Kind::Conflict]].concat());
        }
        match source {
            Some(source) if wrong.is_empty() => self.unless_busy(source, || {
                self.made(volume, size, Origin::Volume(from, source.made), source.content.clone())
            }),
            Some(source) if !source.attachments.is_empty() => self.refused(&[&*wrong, &[Kind::Busy]].concat()),
            _ => self.refused(&wrong),
        }
    }

    /// \[revert.1\] \[revert.2\] Of an attached volume it may be refused, or done under its clients; of one that is not
    /// the one the snapshot was taken of, though it has its id, all is allowed but harm.
    pub(super) fn revert(&self, (id, volume): SnapshotOf) -> Vec<Allowed> {
        let wrong: &[Kind] = match self.world.snapshots.get(&id) {
            None => &[Kind::NotFound],
            Some(snapshot) if snapshot.volume != volume => &[Kind::NotFound, Kind::Conflict, Kind::Invalid],
            Some(_) => &[],
        };
        let target = self.world.volumes.get(&volume);
        let (Some(target), Some(snapshot), []) = (target, self.world.snapshots.get(&id), wrong) else {
            let busy = target.is_some_and(is_attached).then_some(Kind::Busy);
            let absent = target.is_none().then_some(Kind::NotFound);
            return self.refused(&wrong.iter().copied().chain(busy).chain(absent).collect::<Vec<_>>());
        };
        let content = snapshot.content.within(target.size);
        let so_already = content == target.content;
        let mut allowed = self.changed(|world| {
            if let Some(target) = world.volumes.get_mut(&volume) {
                target.content = content;
            }
        });
        if so_already {
            allowed.push((Answer::Unchanged, self.world.clone()));
        }
        if is_attached(target) {
            allowed.extend(self.refused(&[Kind::Busy]));
        }
        if snapshot.volume_made != target.made {
            allowed.extend(self.refused(&[Kind::NotFound, Kind::Conflict, Kind::Invalid]));
        }
        allowed
    }

    /// \[image.5\]
    pub(super) fn image_out(&self, volume: VolumeSlot) -> Vec<Allowed> {
        match self.world.volumes.get(&volume) {
            Some(source) => self.unless_busy(source, || self.changed(|_| {})),
            None => self.refused(&[Kind::NotFound]),
        }
    }

    /// The bytes of one instant of a volume. While a client may write them, only some drivers can have them; while all
    /// clients may only read, others may.
    fn unless_busy(&self, source: &Volume, done: impl FnOnce() -> Vec<Allowed>) -> Vec<Allowed> {
        if self.limits.claims.snapshot_attached || !is_attached(source) {
            return done();
        }
        let mut allowed = self.refused(&[Kind::Busy]);
        if !source.may_be_written() {
            allowed.extend(done());
        }
        allowed
    }

    /// A repeat, unless the source was removed and made anew since: then it may be taken for another.
    fn again(&self, same_source: bool) -> Vec<Allowed> {
        let other: &[Kind] = if same_source { &[] } else { &[Kind::Conflict] };
        self.unchanged().into_iter().chain(self.refused(other)).collect()
    }
}

fn is_attached(volume: &Volume) -> bool {
    !volume.attachments.is_empty()
}
