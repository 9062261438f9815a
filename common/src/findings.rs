//! What can be found where records, log and backend do not fit together: its kinds, and what may be done about each.
//!
//! Pure. [`manager::reconcile`](crate::manager::reconcile) finds, [`Policy`] decides, docs/recovery.md has the same table.

use std::{fmt, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    driver::{SnapshotRef, VolumeRef},
    ids::{AttachmentId, OpId, PoolName, SnapshotId, VolumeId},
};

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, cleaned: $cleaned:expr,)*) => {
        /// A kind of finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// Its name, in configuration, tables and metrics.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            /// What cleaning does about it; `None` where only people can know what is right.
            #[must_use]
            pub const fn cleaned(self) -> Option<&'static str> {
                match self {
                    $(Self::$kind => $cleaned,)*
                }
            }
        }
    };
}

kinds! {
    /// The backend has a volume that no record knows.
    VolumeWithoutRecord = "volume-without-record", cleaned: Some("an operation removes it from the backend"),
    /// The backend has a snapshot that no record knows.
    SnapshotWithoutRecord = "snapshot-without-record", cleaned: Some("an operation removes it from the backend"),
    /// A client can reach a volume by an attachment that no record knows.
    ExportWithoutRecord = "export-without-record", cleaned: Some("an operation ends the export"),
    /// A volume that should be at rest is not on the backend.
    RecordWithoutVolume = "record-without-volume", cleaned: Some("its record is set to `error`, with a message"),
    /// A snapshot that should be at rest is not on the backend.
    RecordWithoutSnapshot = "record-without-snapshot", cleaned: Some("its record is set to `error`"),
    /// A client was given a connection, and the backend has no such export.
    AttachmentWithoutExport = "attachment-without-export", cleaned: None,
    /// A volume at rest has another size than its record says.
    WrongSize = "wrong-size", cleaned: None,
    /// An operation is to make something that no record knows.
    OperationWithoutSubject = "operation-without-subject", cleaned: Some("the operation is ended as failed"),
    /// Something is under way by its record, and no open operation is at it.
    StateWithoutOperation = "state-without-operation", cleaned: Some("the backend is asked, and the record finished or failed"),
    /// What the volumes of a pool count for is not what their records add up to.
    PoolMiscounted = "pool-miscounted", cleaned: Some("it is counted anew from the records"),
    /// An image file that was being written by an operation that has ended.
    LeftoverFile = "leftover-file", cleaned: Some("the file is removed"),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Kind {
    /// What the host does where the configuration does not say.
    #[must_use]
    pub const fn default_policy(self) -> Policy {
        match self {
            Self::StateWithoutOperation | Self::PoolMiscounted => Policy::Clean,
            _ => Policy::Report,
        }
    }

    /// Whether one look is proof: both sides are in the store, and read and written in one transaction.
    #[must_use]
    pub const fn is_certain(self) -> bool {
        matches!(self, Self::StateWithoutOperation | Self::PoolMiscounted)
    }
}

/// What a host does by itself about a kind of finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// Says so in the log, the store and the metrics.
    Report,
    /// Mends it too, once it is sure.
    Clean,
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum About {
    /// A volume.
    Volume {
        /// As drivers know it.
        volume: VolumeRef,
    },
    /// A snapshot.
    Snapshot {
        /// As drivers know it.
        snapshot: SnapshotRef,
    },
    /// An attachment.
    Attachment {
        /// Of which volume.
        volume: VolumeRef,
        /// Which.
        attachment: AttachmentId,
    },
    /// A pool.
    Pool {
        /// Which.
        pool: PoolName,
    },
    /// An entry of the log.
    Operation {
        /// Which.
        operation: OpId,
    },
    /// A file of an operation.
    File {
        /// Whose.
        operation: OpId,
        /// Where.
        path: PathBuf,
    },
}

impl About {
    /// The id that people look for.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Self::Volume { volume } => volume.id.to_string(),
            Self::Snapshot { snapshot } => snapshot.id.to_string(),
            Self::Attachment { attachment, .. } => attachment.to_string(),
            Self::Pool { pool } => pool.to_string(),
            Self::Operation { operation } | Self::File { operation, .. } => operation.to_string(),
        }
    }

    /// The volume, if it is about one.
    #[must_use]
    pub fn volume(&self) -> Option<VolumeId> {
        if let Self::Volume { volume } = self { Some(volume.id) } else { None }
    }

    /// The snapshot, if it is about one.
    #[must_use]
    pub fn snapshot(&self) -> Option<SnapshotId> {
        if let Self::Snapshot { snapshot } = self { Some(snapshot.id) } else { None }
    }
}

/// Something that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Of what kind.
    pub kind: Kind,
    /// What it is about.
    pub about: About,
    /// What was seen, for people.
    pub detail: String,
    /// Whether this store provably gave the id: its record is there, or the operation log knows it. What is not ours is
    /// never touched: another service may keep its volumes on the same backend.
    pub ours: bool,
}

/// What is done about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Cleaning it is not possible, or not wanted.
    Report,
    /// It has to be seen again, later.
    Wait,
    /// It is sure.
    Clean,
}

/// What is done about a finding that was first seen `since` ago, in an earlier look if it is `again`.
#[must_use]
pub fn decide(finding: &Finding, policy: Policy, again: bool, since: Duration, grace: Duration) -> Decision {
    if policy == Policy::Report || finding.kind.cleaned().is_none() || !finding.ours {
        Decision::Report
    } else if finding.kind.is_certain() || (again && since >= grace) {
        Decision::Clean
    } else {
        Decision::Wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(kind: Kind, ours: bool) -> Finding {
        Finding { kind, about: About::Operation { operation: OpId::new() }, detail: String::new(), ours }
    }

    fn check(kind: Kind, ours: bool, policy: Policy, seen: Option<u64>) -> Decision {
        let since = Duration::from_secs(seen.unwrap_or(0));
        decide(&finding(kind, ours), policy, seen.is_some(), since, Duration::from_secs(60))
    }

    #[test]
    fn cleaning_takes_policy_proof_and_two_looks_a_grace_apart() {
        let volume = Kind::VolumeWithoutRecord;
        assert_eq!(check(volume, true, Policy::Report, Some(3600)), Decision::Report);
        assert_eq!(check(volume, false, Policy::Clean, Some(3600)), Decision::Report);
        assert_eq!(check(volume, true, Policy::Clean, None), Decision::Wait);
        assert_eq!(check(volume, true, Policy::Clean, Some(59)), Decision::Wait);
        assert_eq!(check(volume, true, Policy::Clean, Some(60)), Decision::Clean);
    }

    #[test]
    fn what_only_people_can_know_is_reported() {
        for kind in Kind::ALL.iter().filter(|kind| kind.cleaned().is_none()) {
            assert_eq!(check(*kind, true, Policy::Clean, Some(3600)), Decision::Report);
        }
    }

    #[test]
    fn names_are_those_of_the_configuration() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).expect("a word"), kind.name());
        }
    }
}
