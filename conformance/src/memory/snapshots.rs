//! Snapshots, one or several at an instant; what is made from them, and going back to them.

use std::collections::BTreeSet;

use ashlar_common::driver::{Outcome, Snapshot, SnapshotRef, Volume, VolumeRef, VolumeSpec};

use super::{
    call::{Call, Staging},
    disk::lock,
    error::Error,
    faults::Fault,
    state::{Frozen, Origin, State, copy, shown_snapshot},
    volumes::outcome,
};

impl Call<'_> {
    pub(super) async fn create_snapshot(&self, snapshot: &SnapshotRef) -> Result<Outcome<Snapshot>, Error> {
        let taken = self.create_snapshots(std::slice::from_ref(snapshot)).await?;
        let only = |taken: Vec<Snapshot>| taken.into_iter().next().ok_or(Error::NoSnapshot(snapshot.id));
        Ok(match taken {
            Outcome::Changed(taken) => Outcome::Changed(only(taken)?),
            Outcome::Unchanged(taken) => Outcome::Unchanged(only(taken)?),
        })
    }

    /// Freezes the bytes of all the volumes in one effect, and shows all the snapshots in another.
    pub(super) async fn create_snapshots(&self, snapshots: &[SnapshotRef]) -> Result<Outcome<Vec<Snapshot>>, Error> {
        let volumes: BTreeSet<_> = snapshots.iter().map(|snapshot| snapshot.volume.id).collect();
        if snapshots.is_empty() || volumes.len() < snapshots.len() {
            return Err(Error::Invalid("a group takes one snapshot each of one volume or more".to_owned()));
        }
        if let Some(taken) = self.look(|state| all_taken(state, snapshots)).await? {
            return Ok(Outcome::Unchanged(taken));
        }
        let staged = self.freeze(snapshots).await?;
        let placed = self.step("place", |state| {
            if let Some(taken) = all_taken(state, snapshots)? {
                return Ok((taken, false));
            }
            for (snapshot, staging) in snapshots.iter().zip(&staged) {
                let mut disk = staging.take(state);
                if self.broken(Fault::SnapshotFollows) {
                    disk = state.volume(&snapshot.volume)?.disk.clone();
                }
                state.snapshots.insert(snapshot.id, Frozen { of: snapshot.volume.clone(), disk });
            }
            Ok((all_taken(state, snapshots)?.unwrap_or_default(), true))
        });
        Ok(outcome(placed.await?))
    }

    async fn freeze(&self, snapshots: &[SnapshotRef]) -> Result<Vec<Staging>, Error> {
        self.step("freeze", |state| {
            let mut disks = Vec::new();
            for snapshot in snapshots {
                let home = &state.pool(&snapshot.volume.pool)?.home;
                let source = &state.volume(&snapshot.volume)?.disk;
                let size = lock(source).size();
                disks.push(copy(source, home, size)?);
            }
            let what = |snapshot: &SnapshotRef| format!("a half-made snapshot {}", snapshot.id);
            Ok(snapshots.iter().zip(disks).map(|(snapshot, disk)| self.stage(state, what(snapshot), disk)).collect())
        })
        .await
    }

    pub(super) async fn delete_snapshot(&self, snapshot: &SnapshotRef) -> Result<Outcome<()>, Error> {
        let withdrawn = self.step("withdraw", |state| {
            if state.taken_alike(snapshot)?.is_none() {
                return Ok(None);
            }
            let Some(frozen) = state.snapshots.remove(&snapshot.id) else { return Ok(None) };
            if let (true, Some(held)) =
                (self.broken(Fault::SnapshotTakesSharedPages), state.volumes.get(&snapshot.volume.id))
            {
                lock(&held.disk).forget_shared(&lock(&frozen.disk));
            }
            if self.broken(Fault::SnapshotMergesIntoOthers) {
                let others = state.snapshots.values_mut().filter(|other| other.of == frozen.of);
                others.for_each(|other| other.disk = frozen.disk.clone());
            }
            Ok(Some(self.stage_shared(state, format!("a half-removed snapshot {}", snapshot.id), frozen.disk)))
        });
        let Some(staging) = withdrawn.await? else { return Ok(Outcome::Unchanged(())) };
        self.free(&staging).await?;
        Ok(Outcome::Changed(()))
    }

    pub(super) async fn create_from_snapshot(
        &self,
        spec: &VolumeSpec,
        source: &SnapshotRef,
    ) -> Result<Outcome<Volume>, Error> {
        let origin = Origin::Snapshot(source.id);
        if let Some(volume) = self.found(spec, &origin).await? {
            return Ok(Outcome::Unchanged(volume));
        }
        let staging = self.copy(spec, |state| Ok(&state.snapshot(source)?.disk)).await?;
        self.place(spec, &origin, &staging).await
    }

    pub(super) async fn clone_volume(&self, spec: &VolumeSpec, source: &VolumeRef) -> Result<Outcome<Volume>, Error> {
        let origin = Origin::Volume(source.id);
        if let Some(volume) = self.found(spec, &origin).await? {
            return Ok(Outcome::Unchanged(volume));
        }
        let staging = self.copy(spec, |state| Ok(&state.volume(source)?.disk)).await?;
        if self.broken(Fault::CloneShares) {
            let shared = self.look(|state| Ok(state.volume(source)?.disk.clone())).await?;
            return self.place_instead(spec, &origin, &staging, shared).await;
        }
        self.place(spec, &origin, &staging).await
    }

    /// Copies bytes of one instant for a volume that is being made.
    async fn copy(
        &self,
        spec: &VolumeSpec,
        source: impl FnOnce(&State) -> Result<&super::disk::SharedDisk, Error>,
    ) -> Result<Staging, Error> {
        self.step("copy", |state| {
            let home = &state.pool(&spec.volume.pool)?.home;
            let source = source(state)?;
            let mut disk = copy(source, home, spec.size.bytes())?;
            if self.broken(Fault::LargerCopyEndsInJunk) {
                disk.soil(lock(source).size())?;
            }
            Ok(self.stage(state, format!("a half-made volume {}", spec.volume.id), disk))
        })
        .await
    }

    pub(super) async fn revert(&self, snapshot: &SnapshotRef) -> Result<Outcome<Volume>, Error> {
        let volume = &snapshot.volume;
        let staging = self.step("copy", |state| {
            state.refuse_attached(volume.id)?;
            let frozen = lock(&state.snapshot(snapshot)?.disk).size();
            let now = lock(&state.volume(volume)?.disk).size();
            let size = if self.broken(Fault::RevertBringsTheOldSize) { frozen } else { now };
            let disk = copy(&state.snapshot(snapshot)?.disk, &state.pool(&volume.pool)?.home, size)?;
            Ok(self.stage(state, format!("the bytes to revert volume {} to", volume.id), disk))
        });
        let staging = staging.await?;
        let switched = self.step("switch", |state| {
            state.refuse_attached(volume.id)?;
            let same = lock(&state.volume(volume)?.disk).size() == lock(&staging.disk).size();
            if !same && !self.broken(Fault::RevertBringsTheOldSize) {
                return Err(Error::Changed(volume.id));
            }
            let disk = staging.take(state);
            if let Some(held) = state.volumes.get_mut(&volume.id) {
                held.disk = disk;
            }
            state.look_at(volume)
        });
        Ok(Outcome::Changed(switched.await?))
    }
}

/// The snapshots, if all are there already as asked for; an error if only some are.
fn all_taken(state: &State, snapshots: &[SnapshotRef]) -> Result<Option<Vec<Snapshot>>, Error> {
    let mut taken = Vec::new();
    for snapshot in snapshots {
        taken.extend(state.taken_alike(snapshot)?);
    }
    match (taken.first(), taken.len()) {
        (None, _) => Ok(None),
        (Some(_), count) if count == snapshots.len() => Ok(Some(taken)),
        (Some(first), _) => {
            let what = format!("snapshot {}", first.snapshot.id);
            Err(Error::Conflict { what, differs: "others of its group are not" })
        }
    }
}

impl State {
    /// What is there of a snapshot, if it is of that volume.
    pub(super) fn look_snapshot(&self, snapshot: &SnapshotRef) -> Result<Option<Snapshot>, Error> {
        self.pool(&snapshot.volume.pool)?;
        let found = self.snapshots.get(&snapshot.id).filter(|frozen| frozen.of == snapshot.volume);
        Ok(found.map(|frozen| shown_snapshot(snapshot.id, frozen)))
    }
}
