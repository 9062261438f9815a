//! What a driver's team says its driver can do. Stated by the test and compared with the driver, so that a capability
//! that goes missing fails instead of going silent.

use ashlar_common::driver::Capabilities;
use serde::{Deserialize, Serialize};

/// What the driver is said to be able to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Claims {
    /// Capabilities of the contract; what the driver reports must equal them.
    pub capabilities: Capabilities,
    /// A snapshot can be taken of a volume that is attached and written to. Where not, it is refused as busy.
    pub snapshot_attached: bool,
    /// Statistics tell how many bytes are allocated.
    pub allocated_known: bool,
    /// Statistics tell how full a pool is: by `allocated`, or by `total` and `free`.
    pub usage_known: bool,
    /// The pool is thick: a volume has all its room from the start.
    pub thick: bool,
    /// The pool is thin and keeps metadata that can run out before its room does.
    pub thin_metadata: bool,
    /// A client that has a volume open is cut off when its attachment ends. Elsewhere it can only not open it again.
    pub cuts_off_open_clients: bool,
    /// The backend is a thing apart that the driver can lose touch with, and the site has a way to make it so.
    pub reached_apart: bool,
}

/// What a case needs of the driver beside the required core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing.
    Core,
    /// [`MultiAttach`](ashlar_common::driver::capability::MultiAttach).
    MultiAttach,
    /// [`OnlineExtend`](ashlar_common::driver::capability::OnlineExtend).
    OnlineExtend,
    /// [`Revert`](ashlar_common::driver::capability::Revert).
    Revert,
    /// [`Manage`](ashlar_common::driver::capability::Manage).
    Manage,
    /// [`GroupSnapshots`](ashlar_common::driver::capability::GroupSnapshots).
    GroupSnapshots,
    /// [`Qos`](ashlar_common::driver::capability::Qos).
    Qos,
    /// [`Migrate`](ashlar_common::driver::capability::Migrate).
    Migrate,
    /// [`ActiveActive`](ashlar_common::driver::capability::ActiveActive).
    ActiveActive,
    /// See [`Claims::snapshot_attached`].
    SnapshotAttached,
    /// See [`Claims::allocated_known`].
    AllocatedKnown,
    /// See [`Claims::usage_known`].
    UsageKnown,
    /// See [`Claims::thick`].
    Thick,
    /// See [`Claims::thin_metadata`].
    ThinMetadata,
    /// See [`Claims::reached_apart`].
    ReachedApart,
}

impl Need {
    /// Its name, for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::MultiAttach => "multi-attach",
            Self::OnlineExtend => "online extend",
            Self::Revert => "revert to snapshot",
            Self::Manage => "manage and unmanage",
            Self::GroupSnapshots => "consistent group snapshots",
            Self::Qos => "QoS by the backend",
            Self::Migrate => "migration between pools",
            Self::ActiveActive => "several hosts at a time",
            Self::SnapshotAttached => "snapshot while attached",
            Self::AllocatedKnown => "allocated bytes in the statistics",
            Self::UsageKnown => "how full a pool is in the statistics",
            Self::Thick => "a thick pool",
            Self::ThinMetadata => "a thin pool with metadata of its own",
            Self::ReachedApart => "a backend that can be cut off",
        }
    }

    /// Whether the claims include it.
    #[must_use]
    pub const fn is_claimed(self, claims: &Claims) -> bool {
        match self {
            Self::Core => true,
            Self::MultiAttach => claims.capabilities.multi_attach,
            Self::OnlineExtend => claims.capabilities.online_extend,
            Self::Revert => claims.capabilities.revert,
            Self::Manage => claims.capabilities.manage,
            Self::GroupSnapshots => claims.capabilities.group_snapshots,
            Self::Qos => claims.capabilities.qos,
            Self::Migrate => claims.capabilities.migrate,
            Self::ActiveActive => claims.capabilities.active_active,
            Self::SnapshotAttached => claims.snapshot_attached,
            Self::AllocatedKnown => claims.allocated_known,
            Self::UsageKnown => claims.usage_known,
            Self::Thick => claims.thick,
            Self::ThinMetadata => claims.thin_metadata,
            Self::ReachedApart => claims.reached_apart,
        }
    }
}
