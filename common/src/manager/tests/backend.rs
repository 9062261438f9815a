//! A backend in memory, for the manager's own cases. Drivers are proven against real backends elsewhere.

use std::{
    collections::{BTreeMap, VecDeque},
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

    pub(super) fn volume_count(&self) -> usize {
        self.held().volumes.len()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, call: &'static str, effect: impl FnOnce(&mut Held) -> Result<T>) -> Result<T> {
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
        Ok(self.held().volumes.get(&volume.id).cloned())
    }

    async fn inspect_snapshot(&self, _: &OpCtx, snapshot: &SnapshotRef) -> Result<Option<Snapshot>> {
        Ok(self.held().snapshots.get(&snapshot.id).cloned())
    }

    async fn list(&self, _: &OpCtx) -> Result<Inventory> {
        let held = self.held();
        Ok(Inventory {
            volumes: held.volumes.values().cloned().collect(),
            snapshots: held.snapshots.values().cloned().collect(),
        })
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
        self.change("extend", |held| {
            let there = held.volumes.get_mut(&volume.id).ok_or_else(|| Error::new(Kind::NotFound, "no volume"))?;
            there.size = size;
            Ok(Outcome::Changed(there.clone()))
        })
    }

    async fn create_snapshot(&self, _: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<Snapshot>> {
        self.change("create_snapshot", |held| {
            let size = held.volumes.get(&snapshot.volume.id).map(|volume| volume.size);
            let size = size.ok_or_else(|| Error::new(Kind::NotFound, "no volume"))?;
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
            held.exports.insert(attachment.id, volume.id);
            let mut data = serde_json::Map::new();
            data.insert("secret".to_owned(), attachment.id.to_string().into());
            Ok(Outcome::Changed(ConnectionInfo { driver_volume_type: "memory".to_owned(), data }))
        })
    }

    async fn detach(&self, _: &OpCtx, _: &VolumeRef, which: Detach) -> Result<Outcome<()>> {
        self.change("detach", |held| {
            match which {
                Detach::One(id) => drop(held.exports.remove(&id)),
                Detach::All => held.exports.clear(),
            }
            Ok(Outcome::Changed(()))
        })
    }

    async fn copy_image_to_volume(&self, _: &OpCtx, spec: &VolumeSpec, _: &ImageFile) -> Result<Outcome<Volume>> {
        self.make("copy_image_to_volume", spec)
    }

    async fn copy_volume_to_image(&self, _: &OpCtx, _: &VolumeRef, _: &ImageFile) -> Result<Outcome<()>> {
        self.change("copy_volume_to_image", |_| Ok(Outcome::Changed(())))
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
    async fn extend_attached(&self, ctx: &OpCtx, volume: &VolumeRef, size: ByteCount) -> Result<Outcome<Volume>> {
        self.extend(ctx, volume, size).await
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
