//! What a backend holds, and what each call does to it: pure, and as the contract says.

use std::collections::{BTreeMap, BTreeSet};

use ashlar_common::{
    driver::{
        AttachmentSpec, ConnectionInfo, Detach, Error, Inventory, Kind, Outcome, Result, Snapshot, SnapshotRef, Volume,
        VolumeRef, VolumeSpec,
    },
    ids::{AttachmentId, SnapshotId, VolumeId},
    stats::{BackendStats, Capacity, PoolStats, Provisioning},
    units::ByteCount,
};

use uuid::Uuid;

use crate::plan::BackendPlan;

/// The name of every backend's pool.
pub(crate) const POOL: &str = "pool";

/// One backend.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) plan: BackendPlan,
    pub(crate) volumes: BTreeMap<VolumeId, Volume>,
    pub(crate) snapshots: BTreeMap<SnapshotId, Snapshot>,
    /// Which volume each export reaches.
    pub(crate) exports: BTreeMap<AttachmentId, VolumeId>,
    /// What was there once: nobody may make it again.
    gone: BTreeSet<String>,
    /// What was made again nevertheless.
    pub(crate) revenants: Vec<String>,
}

fn missing(what: &str) -> Error {
    Error::new(Kind::NotFound, format!("no {what}"))
}

fn busy(why: &str) -> Error {
    Error::new(Kind::Busy, why.to_owned())
}

impl Content {
    pub(crate) fn new(plan: BackendPlan) -> Self {
        Self {
            plan,
            volumes: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            exports: BTreeMap::new(),
            gone: BTreeSet::new(),
            revenants: Vec::new(),
        }
    }

    fn taken(&self) -> ByteCount {
        let sizes: ByteCount = self.volumes.values().map(|volume| self.weight(volume.size)).sum();
        sizes.saturating_add(self.plan.foreign)
    }

    pub(crate) fn free(&self) -> ByteCount {
        self.plan.total.saturating_sub(self.taken())
    }

    /// A thin volume of this model is written to by half.
    fn weight(&self, size: ByteCount) -> ByteCount {
        if self.plan.thin { ByteCount::new(size.bytes() / 2).unwrap_or(ByteCount::MAX) } else { size }
    }

    fn room_for(&self, added: ByteCount) -> Result<()> {
        if self.taken().saturating_add(self.weight(added)) > self.plan.total {
            return Err(Error::new(Kind::OutOfSpace, "the pool is full"));
        }
        Ok(())
    }

    pub(crate) fn stats(&self) -> BackendStats {
        let taken = self.taken();
        BackendStats {
            pools: vec![PoolStats {
                name: POOL.parse().expect("a name"),
                total: Capacity::Known(self.plan.total),
                free: Capacity::Known(self.free()),
                allocated: Capacity::Known(taken.saturating_sub(self.plan.foreign)),
                reserved_percentage: 0,
                max_over_subscription_ratio: if self.plan.thin { 2.0 } else { 1.0 },
                provisioning: if self.plan.thin { Provisioning::Thin } else { Provisioning::Thick },
                thin_metadata_free_percentage: None,
                filter_function: None,
                goodness_function: None,
            }],
        }
    }

    pub(crate) fn inspect(&self, id: VolumeId) -> Option<Volume> {
        let mut volume = self.volumes.get(&id).cloned()?;
        volume.attachments = self.exports_of(id);
        Some(volume)
    }

    pub(crate) fn inventory(&self) -> Inventory {
        Inventory {
            volumes: self.volumes.keys().filter_map(|id| self.inspect(*id)).collect(),
            snapshots: self.snapshots.values().cloned().collect(),
        }
    }

    pub(crate) fn exports_of(&self, id: VolumeId) -> Vec<AttachmentId> {
        self.exports.iter().filter(|(_, volume)| **volume == id).map(|(id, _)| *id).collect()
    }

    pub(crate) fn create(&mut self, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        if let Some(there) = self.inspect(spec.volume.id) {
            return match there.size == spec.size {
                true => Ok(Outcome::Unchanged(there)),
                false => Err(Error::new(Kind::Conflict, "it is there in another size")),
            };
        }
        self.room_for(spec.size)?;
        self.made(spec.volume.id.to_string());
        let volume = Volume {
            volume: spec.volume.clone(),
            size: spec.size,
            allocated: Some(self.weight(spec.size)),
            attachments: Vec::new(),
        };
        self.volumes.insert(spec.volume.id, volume.clone());
        Ok(Outcome::Changed(volume))
    }

    /// A copy of a snapshot or of another volume.
    pub(crate) fn copy(&mut self, spec: &VolumeSpec, source: Option<ByteCount>) -> Result<Outcome<Volume>> {
        if !self.volumes.contains_key(&spec.volume.id) {
            let least = source.ok_or_else(|| missing("source"))?;
            if spec.size < least {
                return Err(Error::new(Kind::Invalid, "smaller than its source"));
            }
        }
        self.create(spec)
    }

    pub(crate) fn delete(&mut self, id: VolumeId) -> Result<Outcome<()>> {
        if !self.exports_of(id).is_empty() {
            return Err(busy("somebody is attached"));
        }
        if self.snapshots.values().any(|snapshot| snapshot.snapshot.volume.id == id) {
            return Err(busy("it has snapshots"));
        }
        let was = self.volumes.remove(&id).is_some();
        Ok(self.removed(was, id.to_string()))
    }

    pub(crate) fn extend(&mut self, id: VolumeId, size: ByteCount, online: bool) -> Result<Outcome<Volume>> {
        let there = self.inspect(id).ok_or_else(|| missing("volume"))?;
        if size < there.size {
            return Err(Error::new(Kind::Invalid, "volumes do not shrink"));
        }
        if size == there.size {
            return Ok(Outcome::Unchanged(there));
        }
        if !online && !there.attachments.is_empty() {
            return Err(busy("somebody is attached"));
        }
        self.room_for(size.saturating_sub(there.size))?;
        let held = self.volumes.get_mut(&id).ok_or_else(|| missing("volume"))?;
        held.size = size;
        Ok(Outcome::Changed(held.clone()))
    }

    pub(crate) fn create_snapshot(&mut self, reference: &SnapshotRef) -> Result<Outcome<Snapshot>> {
        if let Some(there) = self.snapshots.get(&reference.id) {
            return Ok(Outcome::Unchanged(there.clone()));
        }
        let size = self.volumes.get(&reference.volume.id).map(|volume| volume.size);
        let taken = Snapshot { snapshot: reference.clone(), size: size.ok_or_else(|| missing("volume"))? };
        self.made(reference.id.to_string());
        self.snapshots.insert(reference.id, taken.clone());
        Ok(Outcome::Changed(taken))
    }

    pub(crate) fn delete_snapshot(&mut self, id: SnapshotId) -> Result<Outcome<()>> {
        let was = self.snapshots.remove(&id).is_some();
        Ok(self.removed(was, id.to_string()))
    }

    pub(crate) fn revert(&mut self, reference: &SnapshotRef) -> Result<Outcome<Volume>> {
        if !self.snapshots.contains_key(&reference.id) {
            return Err(missing("snapshot"));
        }
        let there = self.inspect(reference.volume.id).ok_or_else(|| missing("volume"))?;
        match there.attachments.is_empty() {
            true => Ok(Outcome::Changed(there)),
            false => Err(busy("somebody is attached")),
        }
    }

    /// `again` is the planted error: what is exported already is exported once more.
    pub(crate) fn attach(
        &mut self,
        volume: &VolumeRef,
        spec: &AttachmentSpec,
        again: bool,
    ) -> Result<Outcome<ConnectionInfo>> {
        let others = self.exports_of(volume.id);
        let mut data = serde_json::Map::new();
        data.insert("export".to_owned(), spec.id.to_string().into());
        let connection = ConnectionInfo { driver_volume_type: "model".to_owned(), data };
        if others.contains(&spec.id) {
            if again {
                self.exports.insert(AttachmentId::from(Uuid::max()), volume.id);
            }
            return Ok(Outcome::Unchanged(connection));
        }
        if !self.volumes.contains_key(&volume.id) {
            return Err(missing("volume"));
        }
        if !others.is_empty() && !self.plan.multi_attach {
            return Err(busy("somebody else is attached"));
        }
        self.made(spec.id.to_string());
        self.exports.insert(spec.id, volume.id);
        Ok(Outcome::Changed(connection))
    }

    pub(crate) fn detach(&mut self, volume: &VolumeRef, which: Detach) -> Outcome<()> {
        let wanted = match which {
            Detach::One(id) => vec![id],
            Detach::All => self.exports_of(volume.id),
        };
        let before = self.exports.len();
        self.exports.retain(|id, _| !wanted.contains(id));
        if self.exports.len() < before { Outcome::Changed(()) } else { Outcome::Unchanged(()) }
    }

    fn made(&mut self, id: String) {
        if self.gone.contains(&id) {
            self.revenants.push(id);
        }
    }

    fn removed(&mut self, was: bool, id: String) -> Outcome<()> {
        if !was {
            return Outcome::Unchanged(());
        }
        self.gone.insert(id);
        Outcome::Changed(())
    }
}
