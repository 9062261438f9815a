//! The ids that the slots of a sequence stand for.

use ashlar_common::{
    driver::{Inventory, SnapshotRef, VolumeRef},
    ids::{AttachmentId, PoolName, SnapshotId, VolumeId},
};
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    model::{
        call::{ATTACHMENTS, AttachmentSlot, SNAPSHOTS, SnapshotOf, SnapshotSlot, VOLUMES, VolumeSlot},
        world::World,
    },
    outcome::{Held, Stop},
};

/// Ids by slot, new for each sequence.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pool: PoolName,
    volumes: BTreeMap<VolumeSlot, VolumeId>,
    snapshots: BTreeMap<SnapshotSlot, SnapshotId>,
    attachments: BTreeMap<(VolumeSlot, AttachmentSlot), AttachmentId>,
}

/// What a list shows, by slots: what of a [`World`] can be seen at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    volumes: BTreeMap<VolumeSlot, (u64, BTreeSet<AttachmentSlot>)>,
    snapshots: BTreeMap<SnapshotSlot, (u64, VolumeSlot)>,
}

impl Names {
    pub(super) fn new(pool: PoolName) -> Self {
        let attachments = (0..VOLUMES).flat_map(|v| (0..ATTACHMENTS).map(move |a| (VolumeSlot(v), AttachmentSlot(a))));
        Self {
            pool,
            volumes: (0..VOLUMES).map(|slot| (VolumeSlot(slot), VolumeId::new())).collect(),
            snapshots: (0..SNAPSHOTS).map(|slot| (SnapshotSlot(slot), SnapshotId::new())).collect(),
            attachments: attachments.map(|slots| (slots, AttachmentId::new())).collect(),
        }
    }

    pub(super) fn volume(&self, slot: VolumeSlot) -> Held<VolumeRef> {
        let id = *self.volumes.get(&slot).ok_or_else(|| Stop::failed(format!("the model has no {slot}")))?;
        Ok(VolumeRef { id, pool: self.pool.clone() })
    }

    pub(super) fn snapshot(&self, (slot, volume): SnapshotOf) -> Held<SnapshotRef> {
        let id = *self.snapshots.get(&slot).ok_or_else(|| Stop::failed(format!("the model has no {slot}")))?;
        Ok(SnapshotRef { id, volume: self.volume(volume)? })
    }

    pub(super) fn attachment(&self, volume: VolumeSlot, slot: AttachmentSlot) -> Held<AttachmentId> {
        let id = self.attachments.get(&(volume, slot));
        id.copied().ok_or_else(|| Stop::failed(format!("the model has no {slot} of {volume}")))
    }

    fn volume_slot(&self, seen: &VolumeRef) -> Held<VolumeSlot> {
        let slot = self.volumes.iter().find(|(_, id)| **id == seen.id && self.pool == seen.pool).map(|(slot, _)| *slot);
        slot.ok_or_else(|| {
            Stop::failed(format!("a volume is told that nobody asked for: {} in {}", seen.id, seen.pool))
        })
    }

    fn attachment_slot(&self, volume: VolumeSlot, seen: AttachmentId) -> Held<AttachmentSlot> {
        let slot =
            self.attachments.iter().find(|((of, _), id)| *of == volume && **id == seen).map(|((_, slot), _)| *slot);
        slot.ok_or_else(|| Stop::failed(format!("an attachment of {volume} is told that is none: {seen}")))
    }

    /// What a list shows, by slots. Each thing once, and in the order of their ids.
    pub(super) fn listed(&self, inventory: &Inventory) -> Held<Listed> {
        let mut listed = Listed::default();
        if !inventory.volumes.is_sorted_by_key(|volume| volume.volume.id)
            || !inventory.snapshots.is_sorted_by_key(|snapshot| snapshot.snapshot.id)
        {
            return Err(Stop::failed("the list is not in the order of ids"));
        }
        for volume in &inventory.volumes {
            let slot = self.volume_slot(&volume.volume)?;
            let attachments = volume.attachments.iter().map(|id| self.attachment_slot(slot, *id));
            let attachments: BTreeSet<_> = attachments.collect::<Held<_>>()?;
            if attachments.len() != volume.attachments.len() {
                return Err(Stop::failed(format!("an attachment of {slot} is told twice")));
            }
            if listed.volumes.insert(slot, (volume.size.bytes(), attachments)).is_some() {
                return Err(Stop::failed(format!("{slot} is listed twice")));
            }
        }
        for seen in &inventory.snapshots {
            let slot = self.snapshots.iter().find(|(_, id)| **id == seen.snapshot.id).map(|(slot, _)| *slot);
            let slot =
                slot.ok_or_else(|| Stop::failed(format!("a snapshot nobody asked for: {}", seen.snapshot.id)))?;
            let volume = self.volume_slot(&seen.snapshot.volume)?;
            if listed.snapshots.insert(slot, (seen.size.bytes(), volume)).is_some() {
                return Err(Stop::failed(format!("{slot} is listed twice")));
            }
        }
        Ok(listed)
    }
}

impl Listed {
    /// What a list should show in this world.
    pub(super) fn of(world: &World) -> Self {
        let volumes = world.volumes.iter();
        let snapshots = world.snapshots.iter();
        Self {
            volumes: volumes.map(|(slot, v)| (*slot, (v.size, v.attachments.keys().copied().collect()))).collect(),
            snapshots: snapshots.map(|(slot, s)| (*slot, (s.size, s.volume))).collect(),
        }
    }

    /// The size of a volume.
    pub(super) fn size_of(&self, slot: VolumeSlot) -> Option<u64> {
        self.volumes.get(&slot).map(|(size, _)| *size)
    }

    /// A snapshot's size, if it is of that volume.
    pub(super) fn snapshot_size(&self, (slot, of): SnapshotOf) -> Option<u64> {
        self.snapshots.get(&slot).filter(|(_, volume)| *volume == of).map(|(size, _)| *size)
    }
}

impl std::fmt::Display for Listed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.volumes.is_empty() && self.snapshots.is_empty() {
            return f.write_str("nothing");
        }
        let mut comma = "";
        for (slot, (size, attachments)) in &self.volumes {
            write!(f, "{comma}{slot} of {size} bytes")?;
            for attachment in attachments {
                write!(f, " with {attachment}")?;
            }
            comma = ", ";
        }
        for (slot, (size, volume)) in &self.snapshots {
            write!(f, "{comma}{slot} of {volume} with {size} bytes")?;
            comma = ", ";
        }
        Ok(())
    }
}
