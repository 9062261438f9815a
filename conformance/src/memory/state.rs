//! What the backend holds, and the looks and changes that driver calls are made of. Each is one instant: the backend's
//! lock is held meanwhile.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use ashlar_common::{
    driver::{AccessMode, Snapshot, SnapshotRef, Volume, VolumeRef, VolumeSpec, capability::Limits},
    ids::{AttachmentId, PoolName, SnapshotId, VolumeId},
    stats::Provisioning,
    units::ByteCount,
};

use super::{
    client::Buckets,
    disk::{Disk, Home, SharedDisk, lock},
    error::Error,
    room::Taken,
};

/// All that the backend holds.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) pools: BTreeMap<PoolName, Pool>,
    pub(super) volumes: BTreeMap<VolumeId, Held>,
    pub(super) snapshots: BTreeMap<SnapshotId, Frozen>,
    /// By token.
    pub(super) exports: BTreeMap<String, Export>,
    /// What others made, by pool and name.
    pub(super) foreign: BTreeMap<(PoolName, String), SharedDisk>,
    pub(super) staged: BTreeMap<u64, Staged>,
    /// Disks of volumes that were removed, for [`Fault::OldPagesReappear`](super::faults::Fault).
    pub(super) removed: Vec<SharedDisk>,
    /// Attachments that have ended, for the faults that leave something of them.
    pub(super) ended: BTreeMap<String, Export>,
    /// Metadata that nothing uses.
    pub(super) ballast: Vec<Taken>,
    pub(super) dead: BTreeSet<u64>,
    last: u64,
}

/// A part of the backend with room of its own.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) provisioning: Provisioning,
    pub(super) home: Home,
}

/// A volume.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) pool: PoolName,
    pub(super) origin: Origin,
    pub(super) disk: SharedDisk,
    pub(super) limits: Limits,
    pub(super) buckets: Arc<Mutex<Buckets>>,
}

/// Where a volume's first bytes came from: tells a repeat of the call that made it from another call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Nowhere: it read zero.
    Empty,
    /// A snapshot.
    Snapshot(SnapshotId),
    /// Another volume.
    Volume(VolumeId),
    /// An image; which one is not known, since a path says nothing of its contents.
    Image,
    /// It was there, under this name.
    Foreign(String),
}

/// A snapshot.
#[derive(Debug)]
pub(super) struct Frozen {
    pub(super) of: VolumeRef,
    pub(super) disk: SharedDisk,
}

/// What one client may reach.
#[derive(Clone, Debug)]
pub(super) struct Export {
    pub(super) token: String,
    pub(super) attachment: AttachmentId,
    pub(super) volume: VolumeId,
    pub(super) mode: AccessMode,
}

/// What is being made or removed, and the host that does it.
#[derive(Debug)]
pub(super) struct Staged {
    pub(super) host: u64,
    pub(super) what: String,
    pub(super) disks: Vec<SharedDisk>,
}

impl State {
    /// A number that was not given before.
    pub(super) fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// A pool, which must be one of the backend's.
    pub(super) fn pool(&self, name: &PoolName) -> Result<&Pool, Error> {
        self.pools.get(name).ok_or_else(|| Error::NoPool(name.clone()))
    }

    /// A volume, if it is on the pool that it is said to be on.
    pub(super) fn find(&self, volume: &VolumeRef) -> Result<Option<&Held>, Error> {
        self.pool(&volume.pool)?;
        Ok(self.volumes.get(&volume.id).filter(|held| held.pool == volume.pool))
    }

    /// A volume that must be there.
    pub(super) fn volume(&self, volume: &VolumeRef) -> Result<&Held, Error> {
        self.find(volume)?.ok_or(Error::NoVolume(volume.id))
    }

    /// A snapshot that must be there, and of the volume that is said.
    pub(super) fn snapshot(&self, snapshot: &SnapshotRef) -> Result<&Frozen, Error> {
        let frozen = self.snapshots.get(&snapshot.id).ok_or(Error::NoSnapshot(snapshot.id))?;
        if frozen.of.id == snapshot.volume.id { Ok(frozen) } else { Err(of_another_volume(snapshot.id)) }
    }

    /// A volume in the contract's words.
    pub(super) fn shown(&self, id: VolumeId, held: &Held) -> Volume {
        let disk = lock(&held.disk);
        let mut attachments: Vec<_> = self.exports_of(id).map(|export| export.attachment).collect();
        attachments.sort_unstable();
        Volume {
            volume: VolumeRef { id, pool: held.pool.clone() },
            size: bytes(disk.size()),
            allocated: Some(bytes(disk.allocated())),
            attachments,
        }
    }

    /// A volume in the contract's words, if it is there.
    pub(super) fn look(&self, volume: &VolumeRef) -> Result<Option<Volume>, Error> {
        Ok(self.find(volume)?.map(|held| self.shown(volume.id, held)))
    }

    /// The same of a volume that must be there.
    pub(super) fn look_at(&self, volume: &VolumeRef) -> Result<Volume, Error> {
        self.look(volume)?.ok_or(Error::NoVolume(volume.id))
    }

    /// The volume, if it is there already and made as is asked.
    pub(super) fn made_alike(&self, spec: &VolumeSpec, origin: &Origin) -> Result<Option<Volume>, Error> {
        self.pool(&spec.volume.pool)?;
        let id = spec.volume.id;
        let Some(held) = self.volumes.get(&id) else { return Ok(None) };
        let volume = self.shown(id, held);
        let conflict = |differs| Err(Error::Conflict { what: format!("volume {id}"), differs });
        if held.pool != spec.volume.pool {
            conflict("is on another pool")
        } else if volume.size != spec.size {
            conflict("has another size")
        } else if held.origin != *origin {
            conflict("was made from something else")
        } else {
            Ok(Some(volume))
        }
    }

    /// The snapshot, if it is there already and as is asked.
    pub(super) fn taken_alike(&self, snapshot: &SnapshotRef) -> Result<Option<Snapshot>, Error> {
        self.pool(&snapshot.volume.pool)?;
        match self.snapshots.get(&snapshot.id) {
            Some(frozen) if frozen.of.id != snapshot.volume.id => Err(of_another_volume(snapshot.id)),
            found => Ok(found.map(|frozen| shown_snapshot(snapshot.id, frozen))),
        }
    }

    pub(super) fn exports_of(&self, volume: VolumeId) -> impl Iterator<Item = &Export> {
        self.exports.values().filter(move |export| export.volume == volume)
    }

    pub(super) fn refuse_attached(&self, volume: VolumeId) -> Result<(), Error> {
        if self.exports_of(volume).next().is_some() { Err(Error::Attached(volume)) } else { Ok(()) }
    }

    pub(super) fn refuse_with_snapshots(&self, volume: VolumeId) -> Result<(), Error> {
        let has = self.snapshots.values().any(|frozen| frozen.of.id == volume);
        if has { Err(Error::HasSnapshots(volume)) } else { Ok(()) }
    }

    /// Puts a finished volume in its place, unless one like it has come there meanwhile.
    pub(super) fn place(
        &mut self,
        spec: &VolumeSpec,
        origin: &Origin,
        disk: SharedDisk,
    ) -> Result<(Volume, bool), Error> {
        if let Some(volume) = self.made_alike(spec, origin)? {
            return Ok((volume, false));
        }
        let held = Held {
            pool: spec.volume.pool.clone(),
            origin: origin.clone(),
            disk,
            limits: Limits::default(),
            buckets: Arc::default(),
        };
        let volume = self.shown(spec.volume.id, &held);
        self.volumes.insert(spec.volume.id, held);
        Ok((volume, true))
    }

    /// Gives back a range in all disks that share it. For [`Fault::DiscardReachesSharers`](super::faults::Fault).
    pub(super) fn discard_sharers(&self, with: &Disk, offset: u64, length: u64) {
        let volumes = self.volumes.values().map(|held| &held.disk);
        for disk in volumes.chain(self.snapshots.values().map(|frozen| &frozen.disk)) {
            let mut disk = lock(disk);
            if disk.shares_with(with) {
                disk.discard(offset, length);
            }
        }
    }

    /// Removes what dead hosts left half done.
    pub(super) fn sweep(&mut self) {
        let Self { staged, dead, .. } = self;
        staged.retain(|_, staged| !dead.contains(&staged.host));
    }
}

/// A snapshot in the contract's words.
pub(super) fn shown_snapshot(id: SnapshotId, frozen: &Frozen) -> Snapshot {
    let snapshot = SnapshotRef { id, volume: frozen.of.clone() };
    Snapshot { snapshot, size: bytes(lock(&frozen.disk).size()) }
}

/// A copy of a disk, with room of its own, that can be put somewhere.
pub(super) fn copy(of: &SharedDisk, home: &Home, size: u64) -> Result<Disk, Error> {
    let source = lock(of);
    if size < source.size() {
        return Err(Error::Invalid(format!("{size} bytes cannot hold the {} of the source", source.size())));
    }
    Ok(source.copy_to(home, size)?)
}

/// Every size here came in as a [`ByteCount`] or is bounded by room.
pub(super) fn bytes(count: u64) -> ByteCount {
    ByteCount::new(count).unwrap_or(ByteCount::MAX)
}

fn of_another_volume(id: SnapshotId) -> Error {
    Error::Conflict { what: format!("snapshot {id}"), differs: "is of another volume" }
}
