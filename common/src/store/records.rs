//! What the store holds, as types. The columns are in `migrations/`.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    driver::{
        AccessMode, AttachmentSpec, Capabilities, ConnectionInfo, Connector, DriverInfo, Kind, SnapshotRef, VolumeRef,
        VolumeSpec,
    },
    ids::{AttachmentId, BackendName, ImageId, OpId, PoolName, SnapshotId, TypeId, VolumeId},
    image::ImageFormat,
    state::{AttachmentState, SnapshotState, Status, VolumeState},
    stats::PoolStats,
    units::ByteCount,
};

/// Keys and values that users attach to things.
pub type Metadata = BTreeMap<String, String>;

/// A volume.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the Block Storage API")]
pub struct VolumeRecord {
    pub id: VolumeId,
    pub project_id: String,
    pub user_id: String,
    pub name: Option<String>,
    pub description: Option<String>,
    pub size: ByteCount,
    /// What it counts for on its pool: its size, or what it is growing to.
    pub provisioned: ByteCount,
    pub state: VolumeState,
    /// Derived from `state` and the attachments, kept for filters and sorting.
    pub status: Status,
    /// Where it was placed; nowhere if no pool fitted.
    pub place: Option<Place>,
    pub availability_zone: String,
    pub type_id: Option<TypeId>,
    pub multi_attach: bool,
    pub bootable: bool,
    pub source_volume_id: Option<VolumeId>,
    pub source_snapshot_id: Option<SnapshotId>,
    pub image_id: Option<ImageId>,
    pub metadata: Metadata,
    pub created_at: Timestamp,
    pub updated_at: Option<Timestamp>,
    /// The room that was last promised to it: its size when it was made, the added bytes when it grew.
    pub promised: ByteCount,
    /// When it took that: reports that were asked for earlier do not show it yet.
    pub promised_moment: Moment,
}

/// When something happened on a backend, in the order of what its hosts and the API do there. The clocks of several
/// processes tell no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// In the transaction that writes it.
    Now,
    /// At an earlier one, as it was read.
    Past(u64),
    /// Not before the operation has ended that is at work on it.
    Open,
}

impl Moment {
    /// Whether a report that was asked for at `report` shows it.
    #[must_use]
    pub fn is_before(self, report: u64) -> bool {
        matches!(self, Self::Past(moment) if moment < report)
    }

    /// As the store keeps it; `None` for the present one, which a statement looks up itself.
    pub(super) const fn stored(self) -> Option<i64> {
        match self {
            Self::Now => None,
            Self::Past(moment) => Some(moment.cast_signed()),
            Self::Open => Some(i64::MAX),
        }
    }

    /// As it was stored.
    pub(super) const fn read(stored: u64) -> Self {
        if stored == i64::MAX.cast_unsigned() { Self::Open } else { Self::Past(stored) }
    }
}

/// A backend's pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The backend.
    pub backend: BackendName,
    /// The pool within it.
    pub pool: PoolName,
}

impl VolumeRecord {
    /// As drivers know it, with its backend; `None` if it was never placed.
    #[must_use]
    pub fn placed(&self) -> Option<(BackendName, VolumeRef)> {
        let place = self.place.clone()?;
        Some((place.backend, VolumeRef { id: self.id, pool: place.pool }))
    }
}

/// A snapshot.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the Block Storage API")]
pub struct SnapshotRecord {
    pub id: SnapshotId,
    pub volume_id: VolumeId,
    pub project_id: String,
    pub user_id: String,
    pub name: Option<String>,
    pub description: Option<String>,
    /// The volume's size when the snapshot was taken.
    pub size: ByteCount,
    pub state: SnapshotState,
    /// Derived from `state`.
    pub status: Status,
    pub place: Place,
    pub metadata: Metadata,
    pub created_at: Timestamp,
    pub updated_at: Option<Timestamp>,
}

impl SnapshotRecord {
    /// As drivers know it.
    #[must_use]
    pub fn reference(&self) -> SnapshotRef {
        SnapshotRef { id: self.id, volume: VolumeRef { id: self.volume_id, pool: self.place.pool.clone() } }
    }
}

/// An attachment.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names are those of the Block Storage API")]
pub struct AttachmentRecord {
    pub id: AttachmentId,
    pub volume_id: VolumeId,
    pub project_id: String,
    pub instance_id: Option<String>,
    pub state: AttachmentState,
    pub mode: AccessMode,
    pub connector: Option<Connector>,
    pub connection: Option<ConnectionInfo>,
    pub mountpoint: Option<String>,
    pub created_at: Timestamp,
    pub attached_at: Option<Timestamp>,
}

/// A volume type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the Block Storage API")]
pub struct TypeRecord {
    pub id: TypeId,
    pub name: String,
    pub description: Option<String>,
    pub is_public: bool,
    pub extra_specs: BTreeMap<String, String>,
    pub created_at: Timestamp,
    pub updated_at: Option<Timestamp>,
}

/// What a host has to do: all that it needs, so that it never reads the records it works for.
///
/// Stored as JSON in the operation log. A variant or field that was released is not changed, only added to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each variant is the driver call of that name, its fields that call's arguments")]
pub enum Work {
    CreateVolume {
        spec: VolumeSpec,
    },
    CreateFromSnapshot {
        spec: VolumeSpec,
        source: SnapshotRef,
    },
    CloneVolume {
        spec: VolumeSpec,
        source: VolumeRef,
    },
    ImageIn {
        spec: VolumeSpec,
        image: ImageId,
        format: ImageFormat,
    },
    ImageOut {
        volume: VolumeRef,
        image: ImageId,
        format: ImageFormat,
        name: String,
    },
    /// Snapshots named here go first.
    DeleteVolume {
        volume: VolumeRef,
        snapshots: Vec<SnapshotRef>,
    },
    ExtendVolume {
        volume: VolumeRef,
        from: ByteCount,
        to: ByteCount,
        attached: bool,
    },
    RevertVolume {
        snapshot: SnapshotRef,
    },
    CreateSnapshot {
        snapshot: SnapshotRef,
    },
    DeleteSnapshot {
        snapshot: SnapshotRef,
    },
    Attach {
        volume: VolumeRef,
        attachment: AttachmentSpec,
    },
    Detach {
        volume: VolumeRef,
        attachment: AttachmentId,
    },
}

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Logged; no host has it.
    Pending,
    /// A host has claimed it, under the epoch that is noted with it.
    Running,
    /// It ended well.
    Done,
    /// It ended otherwise; the error says how.
    Failed,
}

impl Phase {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// An entry of the operation log.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Its id, which the state of its subject holds too.
    pub id: OpId,
    /// The backend whose host must do it.
    pub backend: BackendName,
    /// The API request it came from.
    pub request_id: String,
    /// What to do.
    pub work: Work,
    /// How far it is.
    pub phase: Phase,
    /// The epoch of the host that claimed it last; 0 before.
    pub epoch: u64,
    /// How often it was claimed.
    pub attempts: u32,
    /// Not to be claimed earlier by the member of `epoch`, by that process's own uptime; it is that member's alone while
    /// it is one.
    pub not_before: Duration,
    /// Percent done, as last reported.
    pub percent: u8,
    /// How it failed, or why it is tried again.
    pub error: Option<OperationError>,
    /// When it was logged.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Operation {
    /// An operation that nobody has claimed yet.
    #[must_use]
    pub fn pending(id: OpId, backend: BackendName, request_id: String, work: Work, now: Timestamp) -> Self {
        Self {
            id,
            backend,
            request_id,
            work,
            phase: Phase::Pending,
            epoch: 0,
            attempts: 0,
            not_before: Duration::ZERO,
            percent: 0,
            error: None,
            created_at: now,
            updated_at: now,
        }
    }
}

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationError {
    /// What it means.
    pub kind: Kind,
    /// What happened, for people.
    pub message: String,
}

impl Work {
    /// The thing whose state waits for this operation.
    #[must_use]
    pub fn subject(&self) -> Subject {
        match self {
            Self::CreateVolume { spec }
            | Self::CreateFromSnapshot { spec, .. }
            | Self::CloneVolume { spec, .. }
            | Self::ImageIn { spec, .. } => Subject::Volume(spec.volume.id),
            Self::ImageOut { volume, .. } | Self::DeleteVolume { volume, .. } | Self::ExtendVolume { volume, .. } => {
                Subject::Volume(volume.id)
            }
            Self::RevertVolume { snapshot } => Subject::Volume(snapshot.volume.id),
            Self::CreateSnapshot { snapshot } | Self::DeleteSnapshot { snapshot } => Subject::Snapshot(snapshot.id),
            Self::Attach { attachment, .. } => Subject::Attachment(attachment.id),
            Self::Detach { attachment, .. } => Subject::Attachment(*attachment),
        }
    }

    /// What it reads besides its subject, and what therefore may not change or go before it has ended.
    #[must_use]
    pub fn source(&self) -> Option<String> {
        match self {
            Self::CreateFromSnapshot { source, .. } => Some(source.id.to_string()),
            Self::CloneVolume { source, .. } => Some(source.id.to_string()),
            Self::RevertVolume { snapshot } => Some(snapshot.id.to_string()),
            Self::CreateSnapshot { snapshot } => Some(snapshot.volume.id.to_string()),
            _ => None,
        }
    }

    /// Its name in logs and metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateVolume { .. } => "create-volume",
            Self::CreateFromSnapshot { .. } => "create-from-snapshot",
            Self::CloneVolume { .. } => "clone-volume",
            Self::ImageIn { .. } => "image-in",
            Self::ImageOut { .. } => "image-out",
            Self::DeleteVolume { .. } => "delete-volume",
            Self::ExtendVolume { .. } => "extend-volume",
            Self::RevertVolume { .. } => "revert-volume",
            Self::CreateSnapshot { .. } => "create-snapshot",
            Self::DeleteSnapshot { .. } => "delete-snapshot",
            Self::Attach { .. } => "attach",
            Self::Detach { .. } => "detach",
        }
    }
}

/// The thing an operation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A volume.
    Volume(VolumeId),
    /// A snapshot.
    Snapshot(SnapshotId),
    /// An attachment.
    Attachment(AttachmentId),
}

impl Subject {
    /// The word users read: `volume`, `snapshot`, `attachment`.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Volume(_) => "volume",
            Self::Snapshot(_) => "snapshot",
            Self::Attachment(_) => "attachment",
        }
    }

    /// Its id as text.
    #[must_use]
    pub fn id(self) -> String {
        match self {
            Self::Volume(id) => id.to_string(),
            Self::Snapshot(id) => id.to_string(),
            Self::Attachment(id) => id.to_string(),
        }
    }
}

/// The host of a backend, as the store knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct HostRecord {
    /// The backend.
    pub backend: BackendName,
    /// The last that was taken: grows by one with each process that joins.
    pub epoch: u64,
    /// Who joined last: host name and process id.
    pub holder: String,
    /// The driver; unknown until a host first opened the backend.
    pub driver: Option<DriverInfo>,
    /// What the driver can do besides the core.
    pub capabilities: Capabilities,
    /// The operator's name for it, which volume types may ask for.
    pub volume_backend_name: String,
    /// Its availability zone.
    pub availability_zone: String,
    /// Taken out of scheduling by an administrator.
    pub disabled: bool,
    /// Why.
    pub disabled_reason: Option<String>,
    /// When that was, by its own clock, for people.
    pub started_at: Timestamp,
    /// When it was last heard of, by its own clock, for people.
    pub heartbeat_at: Timestamp,
    /// Grows with each sign of life of its members and each report they ask for.
    pub moment: u64,
}

/// A pool's last report.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolRecord {
    /// The backend.
    pub backend: BackendName,
    /// The report.
    pub stats: PoolStats,
    /// When it was asked for, by the clock of the host, for people.
    pub reported_at: Timestamp,
    /// When it was asked for, in the order of what happens on the backend.
    pub moment: u64,
    /// What its volumes count for now.
    pub provisioned: ByteCount,
    /// Its volumes now.
    pub volumes: u64,
    /// What of `provisioned` the report does not show.
    pub promised: ByteCount,
}

/// What a user should know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the Block Storage API")]
pub struct MessageRecord {
    pub id: String,
    pub project_id: String,
    pub request_id: String,
    pub resource_type: String,
    pub resource_id: String,
    /// As in Cinder: `VOLUME_VOLUME_001_002` and the like.
    pub event_id: String,
    pub user_message: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}
