//! What is asked of the scheduler, and the answer.

use std::{collections::BTreeMap, fmt};

use super::{affinity::Affinity, function::Value};
use crate::{
    ids::{BackendName, PoolName},
    units::ByteCount,
};

/// A volume that needs a place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The API request it comes from: what the Chance weigher draws from, so that the same request draws the same.
    pub id: String,
    /// Its size.
    pub size: ByteCount,
    /// The zone it must be in; `None`: any.
    pub availability_zone: Option<String>,
    /// Extra specs of its volume type.
    pub extra_specs: BTreeMap<String, String>,
    /// QoS specs of its volume type, for functions.
    pub qos: BTreeMap<String, String>,
    /// Whether several clients will hold it at once.
    pub multi_attach: bool,
    /// The one pool it may go to: that of its source, since a backend copies within a pool. `None`: any.
    pub only: Option<(BackendName, PoolName)>,
    /// What its hints ask for.
    pub affinity: Affinity,
    /// Where it was tried before.
    pub attempted: Vec<Placement>,
    /// What else functions may speak of.
    pub volume: VolumeFacts,
}

/// What functions may know of a volume besides what places it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the Block Storage API")]
pub struct VolumeFacts {
    pub id: Option<String>,
    pub name: Option<String>,
    pub description: Option<String>,
    pub project_id: Option<String>,
    pub user_id: Option<String>,
    pub type_id: Option<String>,
    pub type_name: Option<String>,
    pub source_volume_id: Option<String>,
    pub image_id: Option<String>,
    pub bootable: bool,
    /// The snapshot it is made from.
    pub snapshot: Option<SnapshotFacts>,
}

/// What functions may know of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the Block Storage API")]
pub struct SnapshotFacts {
    pub id: String,
    pub size: ByteCount,
}

/// A word after `volume.` in a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VolumeWord {
    Size,
    Id,
    Name,
    Description,
    AvailabilityZone,
    ProjectId,
    UserId,
    TypeId,
    TypeName,
    SnapshotId,
    SourceVolumeId,
    ImageId,
    MultiAttach,
    Bootable,
}

impl VolumeWord {
    /// By name; the older of two names for one thing comes after the newer.
    const NAMES: [(&str, Self); 16] = [
        ("size", Self::Size),
        ("id", Self::Id),
        ("name", Self::Name),
        ("display_name", Self::Name),
        ("description", Self::Description),
        ("display_description", Self::Description),
        ("availability_zone", Self::AvailabilityZone),
        ("project_id", Self::ProjectId),
        ("user_id", Self::UserId),
        ("volume_type_id", Self::TypeId),
        ("volume_type", Self::TypeName),
        ("snapshot_id", Self::SnapshotId),
        ("source_volid", Self::SourceVolumeId),
        ("image_id", Self::ImageId),
        ("multiattach", Self::MultiAttach),
        ("bootable", Self::Bootable),
    ];

    pub(super) fn find(name: &str) -> Option<Self> {
        Self::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, word)| word)
    }

    /// Every name, for people.
    pub(super) fn list() -> String {
        Self::NAMES.map(|(name, _)| name).join(", ")
    }
}

impl Request {
    /// What a function reads under a word; `None` where the volume has no such thing.
    pub(super) fn word(&self, word: VolumeWord) -> Option<Value<'_>> {
        let volume = &self.volume;
        let text = match word {
            VolumeWord::Size => return Some(Value::Number(self.size.gib_f64())),
            VolumeWord::MultiAttach => return Some(Value::Flag(self.multi_attach)),
            VolumeWord::Bootable => return Some(Value::Flag(volume.bootable)),
            VolumeWord::Id => &volume.id,
            VolumeWord::Name => &volume.name,
            VolumeWord::Description => &volume.description,
            VolumeWord::AvailabilityZone => &self.availability_zone,
            VolumeWord::ProjectId => &volume.project_id,
            VolumeWord::UserId => &volume.user_id,
            VolumeWord::TypeId => &volume.type_id,
            VolumeWord::TypeName => &volume.type_name,
            VolumeWord::SnapshotId => return volume.snapshot.as_ref().map(|snapshot| Value::Text(&snapshot.id)),
            VolumeWord::SourceVolumeId => &volume.source_volume_id,
            VolumeWord::ImageId => &volume.image_id,
        };
        // Never taken for a number: a volume named "5" is not less than one named "6".
        text.as_deref().map(Value::Text)
    }
}

/// A pool of a backend, as the answer; shown as `backend#pool`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Placement {
    /// The backend.
    pub backend: BackendName,
    /// Its pool.
    pub pool: PoolName,
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.backend, self.pool)
    }
}
