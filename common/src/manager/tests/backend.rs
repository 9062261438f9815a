//! A backend in memory, for the manager's own cases. Drivers are proven against real backends elsewhere.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use crate::{
    driver::{
        AttachmentSpec, ConnectionInfo, Detach, Driver, DriverInfo, Error, ImageFile, Inventory, Kind, OpCtx, Outcome,
        Result, Snapshot, SnapshotRef, Volume, VolumeRef, VolumeSpec,
        capability::{OnlineExtend, Revert},
    },
    ids::{AttachmentId, SnapshotId, VolumeId},
    stats::{BackendStats, Capacity, PoolStats, Provisioning},
    units::ByteCount,
};

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing happens, and this is answered.
    Before(Kind),
    /// It happens, and this is answered.
    After(Kind),
    /// The driver panics before anything happens.
    Panic,
}

/// A thick pool in memory.
#[derive(Debug)]
pub(super) struct MemoryBackend {
    total: ByteCount,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    volumes: BTreeMap<VolumeId, Volume>,
    snapshots: BTreeMap<SnapshotId, Snapshot>,
    exports: BTreeMap<AttachmentId, VolumeId>,
    faults: VecDeque<Option<Fault>>,
    calls: Vec<&'static str>,
    /// Those of them that changed anything.
    changes: Vec<&'static str>,
    looks: usize,
}

impl MemoryBackend {
    pub(super) fn new(total_gib: u64) -> Self {
        let total = ByteCount::from_gib(total_gib).expect("small");
        Self { total, held: Mutex::default() }
    }

    /// The next calls that change something go wrong so, in order.
    pub(super) fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.held().faults.extend(faults.into_iter().map(Some));
    }

    /// After so many calls that go well, one goes wrong so.
    pub(super) fn fail_after(&self, well: usize, fault: Fault) {
        self.held().faults.extend(std::iter::repeat_n(None, well).chain([Some(fault)]));
    }

    /// The changing calls made so far.
    pub(super) fn calls(&self) -> Vec<&'static str> {
        self.held().calls.clone()
    }

    /// The calls since the last time that this was asked, those of them that changed anything, and how often it was looked at.
    pub(super) fn account(&self) -> (Vec<&'static str>, Vec<&'static str>, usize) {
        let mut held = self.held();
        let Held { calls, changes, looks, .. } = &mut *held;
        (std::mem::take(calls), std::mem::take(changes), std::mem::take(looks))
    }

    /// Puts something there that nobody asked for.
    pub(super) fn plant(&self, volume: Volume) {
        self.held().volumes.insert(volume.volume.id, volume);
    }

    /// Makes an export that nobody asked for.
    pub(super) fn plant_export(&self, volume: VolumeId, attachment: AttachmentId) {
        self.held().exports.insert(attachment, volume);
    }

    /// Ends every export, as a restart of the storage might.
    pub(super) fn end_exports(&self) {
        self.held().exports.clear();
    }

    /// Loses something.
    pub(super) fn lose(&self, volume: VolumeId) {
        self.held().volumes.remove(&volume);
    }

    /// The sizes of its volumes, added up.
    pub(super) fn held_bytes(&self) -> ByteCount {
        self.held().volumes.values().map(|volume| volume.size).sum()
    }

    /// Who can reach volumes.
    pub(super) fn exports(&self) -> BTreeSet<AttachmentId> {
        self.held().exports.keys().copied().collect()
    }

    pub(super) fn volume_count(&self) -> usize {
        self.held().volumes.len()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(
        &self,
        call: &'static str,
        effect: impl FnOnce(&mut Held) -> Result<Outcome<T>>,
    ) -> Result<Outcome<T>> {
        let effect = |held: &mut Held| {
            let outcome = effect(held);
            if let Ok(Outcome::Changed(_)) = outcome {
                held.changes.push(call);
            }
            outcome
        };
        let fault = {
            let mut held = self.held();
            held.calls.push(call);
            held.faults.pop_front().flatten()
        };
        match fault {
            Some(Fault::Before(kind)) => Err(Error::new(kind, format!("{call} was made to fail"))),
            Some(Fault::Panic) => panic!("{call} was made to panic"),
            Some(Fault::After(kind)) => {
                effect(&mut self.held())?;
                Err(Error::new(kind, format!("{call} was made to fail after its effect")))
            }
            None => effect(&mut self.held()),
        }
    }

    fn make(&self, call: &'static str, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        self.change(call, |held| {
            if let Some(there) = held.volumes.get(&spec.volume.id) {
                return match there.size == spec.size {
                    true => Ok(Outcome::Unchanged(there.clone())),
                    false => Err(Error::new(Kind::Conflict, "another size")),
                };
            }
            let used: ByteCount = held.volumes.values().map(|volume| volume.size).sum();
            if used.saturating_add(spec.size) > self.total {
                return Err(Error::new(Kind::OutOfSpace, "no room"));
            }
            let volume = Volume {
                volume: spec.volume.clone(),
                size: spec.size,
                allocated: Some(spec.size),
                attachments: Vec::new(),
            };
            held.volumes.insert(spec.volume.id, volume.clone());
            Ok(Outcome::Changed(volume))
        })
    }
}

impl Held {
    /// The volumes, with who can reach them.
    fn shown(&self) -> Vec<Volume> {
        let shown = |volume: &Volume| {
            let of = |(attachment, id): (&AttachmentId, &VolumeId)| (*id == volume.volume.id).then_some(*attachment);
            Volume { attachments: self.exports.iter().filter_map(of).collect(), ..volume.clone() }
        };
        self.volumes.values().map(shown).collect()
    }

    fn grow(&mut self, volume: &VolumeRef, size: ByteCount) -> Result<Outcome<Volume>> {
        let there = self.volumes.get_mut(&volume.id).ok_or_else(|| Error::new(Kind::NotFound, "no volume"))?;
        let before = std::mem::replace(&mut there.size, size);
        Ok(if before == size { Outcome::Unchanged(there.clone()) } else { Outcome::Changed(there.clone()) })
    }
}

#[async_trait]
impl Driver for MemoryBackend {
    fn info(&self) -> DriverInfo {
        DriverInfo {
            name: "memory".to_owned(),
            version: "1".to_owned(),
            vendor_name: "Ashlar".to_owned(),
            storage_protocol: "memory".to_owned(),
        }
    }

    async fn stats(&self, _: &OpCtx) -> Result<BackendStats> {
        let used: ByteCount = self.held().volumes.values().map(|volume| volume.size).sum();
        Ok(BackendStats {
            pools: vec![PoolStats {
                name: "pool".parse().expect("a name"),
                total: Capacity::Known(self.total),
                free: Capacity::Known(self.total.saturating_sub(used)),
                allocated: Capacity::Known(used),
                reserved_percentage: 0,
                max_over_subscription_ratio: 1.0,
                provisioning: Provisioning::Thick,
                thin_metadata_free_percentage: None,
                filter_function: None,
                goodness_function: None,
            }],
        })
    }

    async fn inspect(&self, _: &OpCtx, volume: &VolumeRef) -> Result<Option<Volume>> {
        let mut held = self.held();
        held.looks += 1;
        Ok(held.shown().into_iter().find(|shown| shown.volume.id == volume.id))
    }

    async fn inspect_snapshot(&self, _: &OpCtx, snapshot: &SnapshotRef) -> Result<Option<Snapshot>> {
        let mut held = self.held();
        held.looks += 1;
        Ok(held.snapshots.get(&snapshot.id).cloned())
    }

    async fn list(&self, _: &OpCtx) -> Result<Inventory> {
        let held = self.held();
        Ok(Inventory { volumes: held.shown(), snapshots: held.snapshots.values().cloned().collect() })
    }

    async fn create(&self, _: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        self.make("create", spec)
    }

    async fn delete(&self, _: &OpCtx, volume: &VolumeRef) -> Result<Outcome<()>> {
        self.change("delete", |held| match held.volumes.remove(&volume.id) {
            Some(_) => Ok(Outcome::Changed(())),
            None => Ok(Outcome::Unchanged(())),
        })
    }

    async fn extend(&self, _: &OpCtx, volume: &VolumeRef, size: ByteCount) -> Result<Outcome<Volume>> {
        self.change("extend", |held| held.grow(volume, size))
    }

    async fn create_snapshot(&self, _: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<Snapshot>> {
        self.change("create_snapshot", |held| {
            let size = held.volumes.get(&snapshot.volume.id).map(|volume| volume.size);
            let size = size.ok_or_else(|| Error::new(Kind::NotFound, "no volume"))?;
            if let Some(taken) = held.snapshots.get(&snapshot.id) {
                return Ok(Outcome::Unchanged(taken.clone()));
            }
            let taken = Snapshot { snapshot: snapshot.clone(), size };
            held.snapshots.insert(snapshot.id, taken.clone());
            Ok(Outcome::Changed(taken))
        })
    }

    async fn delete_snapshot(&self, _: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<()>> {
        self.change("delete_snapshot", |held| match held.snapshots.remove(&snapshot.id) {
            Some(_) => Ok(Outcome::Changed(())),
            None => Ok(Outcome::Unchanged(())),
        })
    }

    async fn create_from_snapshot(&self, _: &OpCtx, spec: &VolumeSpec, _: &SnapshotRef) -> Result<Outcome<Volume>> {
        self.make("create_from_snapshot", spec)
    }

    async fn clone_volume(&self, _: &OpCtx, spec: &VolumeSpec, _: &VolumeRef) -> Result<Outcome<Volume>> {
        self.make("clone_volume", spec)
    }

    async fn attach(
        &self,
        _: &OpCtx,
        volume: &VolumeRef,
        attachment: &AttachmentSpec,
    ) -> Result<Outcome<ConnectionInfo>> {
        self.change("attach", |held| {
            let before = held.exports.insert(attachment.id, volume.id);
            let mut data = serde_json::Map::new();
            data.insert("secret".to_owned(), attachment.id.to_string().into());
            let connection = ConnectionInfo { driver_volume_type: "memory".to_owned(), data };
            Ok(if before.is_some() { Outcome::Unchanged(connection) } else { Outcome::Changed(connection) })
        })
    }

    async fn detach(&self, _: &OpCtx, volume: &VolumeRef, which: Detach) -> Result<Outcome<()>> {
        self.change("detach", |held| {
            let before = held.exports.len();
            held.exports.retain(|id, of| match which {
                Detach::One(one) => *id != one,
                Detach::All => *of != volume.id,
            });
            Ok(if held.exports.len() < before { Outcome::Changed(()) } else { Outcome::Unchanged(()) })
        })
    }

    async fn copy_image_to_volume(&self, _: &OpCtx, spec: &VolumeSpec, _: &ImageFile) -> Result<Outcome<Volume>> {
        self.make("copy_image_to_volume", spec)
    }

    async fn copy_volume_to_image(&self, _: &OpCtx, _: &VolumeRef, image: &ImageFile) -> Result<Outcome<()>> {
        self.change("copy_volume_to_image", |_| {
            std::fs::write(&image.path, [0; 512]).map_err(|error| Error::new(Kind::Fatal, error))?;
            Ok(Outcome::Changed(()))
        })
    }

    fn online_extend(&self) -> Option<&dyn OnlineExtend> {
        Some(self)
    }

    fn revert(&self) -> Option<&dyn Revert> {
        Some(self)
    }
}

#[async_trait]
impl OnlineExtend for MemoryBackend {
    async fn extend_attached(&self, _: &OpCtx, volume: &VolumeRef, size: ByteCount) -> Result<Outcome<Volume>> {
        self.change("extend_attached", |held| held.grow(volume, size))
    }
}

#[async_trait]
impl Revert for MemoryBackend {
    async fn revert(&self, _: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<Volume>> {
        self.change("revert", |held| {
            let volume = held.volumes.get(&snapshot.volume.id).cloned();
            volume.map(Outcome::Changed).ok_or_else(|| Error::new(Kind::NotFound, "no volume"))
        })
    }
}
