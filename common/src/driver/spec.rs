//! The nouns of the contract: what is asked for, and what is there.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::connection::Connector;
use crate::{
    ids::{AttachmentId, PoolName, SnapshotId, VolumeId},
    image::ImageFormat,
    units::ByteCount,
};

/// Who a driver is. The same in every configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriverInfo {
    /// The driver's name, as in `ashlar-driver-<name>`.
    pub name: String,
    /// The driver's own version.
    pub version: String,
    /// Who makes the storage.
    pub vendor_name: String,
    /// The protocol its volumes are reached by, in os-brick's words.
    pub storage_protocol: String,
}

/// A volume, and where it lives.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VolumeRef {
    /// The volume.
    pub id: VolumeId,
    /// The pool it was placed on.
    pub pool: PoolName,
}

/// A volume to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeSpec {
    /// The volume, and where to make it.
    pub volume: VolumeRef,
    /// Its exact size; never zero.
    pub size: ByteCount,
    /// Extra specs of its volume type, scheduler-only ones included.
    pub extra_specs: BTreeMap<String, String>,
}

/// A snapshot, and the volume it is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SnapshotRef {
    /// The snapshot.
    pub id: SnapshotId,
    /// The volume it was taken of.
    pub volume: VolumeRef,
}

/// A volume as the backend really holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Which volume.
    pub volume: VolumeRef,
    /// Its exact size.
    pub size: ByteCount,
    /// Bytes it takes on the backend, where known without a walk.
    pub allocated: Option<ByteCount>,
    /// Attachments that can reach it now.
    pub attachments: Vec<AttachmentId>,
}

/// A snapshot as the backend really holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Which snapshot.
    pub snapshot: SnapshotRef,
    /// The size of its volume when it was taken.
    pub size: ByteCount,
}

/// All that a backend holds under Ashlar's names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// Volumes, ordered by id.
    pub volumes: Vec<Volume>,
    /// Snapshots, ordered by id.
    pub snapshots: Vec<Snapshot>,
}

/// The result of a call that may be repeated: says whether this call changed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome<T> {
    /// This call did it.
    Changed(T),
    /// It was so already.
    Unchanged(T),
}

impl<T> Outcome<T> {
    /// What is true now, whoever made it so.
    pub fn into_inner(self) -> T {
        match self {
            Self::Changed(value) | Self::Unchanged(value) => value,
        }
    }
}

/// What an attached client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AccessMode {
    /// Read and write.
    #[serde(rename = "rw")]
    ReadWrite,
    /// Read only.
    #[serde(rename = "ro")]
    ReadOnly,
}

/// An attachment to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttachmentSpec {
    /// The attachment.
    pub id: AttachmentId,
    /// Who will connect.
    pub connector: Connector,
    /// What they may do.
    pub mode: AccessMode,
}

/// Which attachments to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Detach {
    /// This one.
    One(AttachmentId),
    /// Every attachment of the volume, known or not.
    All,
}

/// An image in a local file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it is said to be; a file that is something else is refused.
    pub format: ImageFormat,
}
