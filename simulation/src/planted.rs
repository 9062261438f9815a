//! Errors planted on purpose: what the simulation has to find to be worth its time.
//!
//! None of them is in the product. They are made at its edges: a statement that reaches the store as another one, a commit
//! that is not what it was told to be, a driver that does something else.

use std::{fmt, sync::atomic::Ordering};

use ashlar_common::store::{Error, Fate};
use clap::ValueEnum;
use serde::Serialize;

use crate::surroundings::Identity;

/// An error planted on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Planted {
    /// The client is told 202, and the operation is not in the log.
    OperationNotLogged,
    /// The client is told 202 before the commit, which may fail.
    ToldBeforeCommit,
    /// A request that was committed is told as refused.
    CommitToldAsUndone,
    /// A thing is changed or removed while an earlier operation reads it.
    ReaderOvertaken,
    /// What was tried before is tried again without a look at the backend.
    RecoveryWithoutLook,
    /// What a dead host left running stays so.
    LeftBehind,
    /// A host claims again what it is doing already.
    ClaimedTwice,
    /// An operation that is to be tried again is not put back.
    NotPutBack,
    /// Room that was promised to volumes is promised again.
    PromisedRoomForgotten,
    /// Room that was promised since the last report is promised again.
    PromiseSinceReportForgotten,
    /// A report counts as younger than it is.
    StaleReportTrusted,
    /// The status that clients see is the one from before.
    StatusFromBefore,
    /// What a growing volume adds is not counted on its pool.
    GrowthNotReserved,
    /// The room of a volume is given back twice.
    RoomReleasedTwice,
    /// A second client may attach to a volume of one.
    SecondClientLetIn,
    /// The next host has the epoch of the one before.
    EpochStays,
    /// Whoever wants to serve a backend does, without waiting for the lease of who does.
    LeaseIgnored,
    /// Hosts look for work only when they were woken.
    WakeUpNeeded,
    /// A volume's record goes before the backend has removed it.
    RecordGoesFirst,
    /// A repeated attach makes a second export.
    RepeatedAttach,
    /// What failed is told as done.
    FailureToldAsDone,
    /// Users are not told why an operation failed.
    UserNotTold,
    /// A host takes the operations of every backend.
    OthersWorkTaken,
}

impl Planted {
    /// Its name, in commands and reports.
    #[must_use]
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// A part of a statement, and what the store gets in its place; where the text has `only`.
    fn replacement(self) -> Option<(&'static str, &'static str, &'static str)> {
        Some(match self {
            Self::ReaderOvertaken => ("reader.sequence < operations.sequence", "1 = 0", ""),
            Self::RecoveryWithoutLook => ("attempts = attempts + 1", "attempts = attempts", ""),
            Self::LeftBehind => {
                ("OR NOT EXISTS (SELECT 1 FROM members", "OR epoch = 0 AND NOT EXISTS (SELECT 1 FROM members", "")
            }
            Self::ClaimedTwice => ("phase = 'pending' AND epoch = $3", "epoch = $3", ""),
            Self::NotPutBack => ("SET phase = 'pending', not_before", "SET phase = 'running', not_before", ""),
            Self::PromisedRoomForgotten => {
                ("COALESCE(u.provisioned_bytes, 0) AS provisioned", "0 AS provisioned", "JOIN pools")
            }
            Self::PromiseSinceReportForgotten => {
                ("COALESCE(u.promised_bytes, 0) AS promised", "0 AS promised", "JOIN pools")
            }
            Self::StaleReportTrusted => ("$4, $5)", "$4, $5 + 3)", "INTO pools"),
            Self::StatusFromBefore => ("status = $6", "status = status", "UPDATE volumes"),
            Self::GrowthNotReserved => (
                "SET provisioned_bytes = provisioned_bytes + $2 -",
                "SET provisioned_bytes = provisioned_bytes + 0 * $2 * ",
                "",
            ),
            Self::RoomReleasedTwice => (
                "provisioned_bytes = provisioned_bytes - ",
                "provisioned_bytes = provisioned_bytes - 2 * ",
                "volumes - 1",
            ),
            Self::SecondClientLetIn => ("WHERE volume_id IN", "WHERE 1 = 0 AND volume_id IN", "FROM attachments"),
            Self::EpochStays => ("epoch = hosts.epoch + 1", "epoch = hosts.epoch", ""),
            Self::FailureToldAsDone => ("SET phase = $2,", "SET phase = 'done',", ""),
            Self::OthersWorkTaken => ("backend = $1 AND", "", "earlier"),
            Self::OperationNotLogged
            | Self::ToldBeforeCommit
            | Self::CommitToldAsUndone
            | Self::WakeUpNeeded
            | Self::LeaseIgnored
            | Self::RecordGoesFirst
            | Self::RepeatedAttach
            | Self::UserNotTold => return None,
        })
    }

    /// Statements that do nothing in its presence begin so.
    fn silenced(self) -> Option<&'static str> {
        match self {
            Self::OperationNotLogged => Some("INSERT INTO operations"),
            Self::UserNotTold => Some("INSERT INTO messages"),
            _ => None,
        }
    }
}

impl fmt::Display for Planted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// Does nothing, and takes as many parameters as there are.
const NOTHING: &str = "UPDATE operations SET id = id WHERE 1 = 0";

impl Identity {
    /// What becomes of a commit where the planted error is about that.
    pub(crate) fn planted_fate(&self) -> Option<Fate> {
        let planted = self.fabric.plan.planted?;
        let now = |thousand| {
            let mut inner = self.fabric.inner();
            !inner.calm && inner.random.u32(..1000) < thousand
        };
        match planted {
            Planted::ToldBeforeCommit if now(40) => Some(Fate::Pretended),
            Planted::CommitToldAsUndone if now(40) => Some(Fate::Unheard(Error::Busy)),
            _ => None,
        }
    }

    /// The statement that the store gets where the planted error is about that.
    pub(crate) fn altered_statement(&self, statement: &str) -> Option<String> {
        let planted = self.fabric.plan.planted?;
        if planted.silenced().is_some_and(|begin| statement.starts_with(begin)) {
            return Some(NOTHING.to_owned());
        }
        if planted == Planted::WakeUpNeeded && statement.starts_with("SELECT id FROM operations") {
            let woken = self.memory.swap(0, Ordering::Relaxed) > 0;
            return (!woken).then(|| format!("{statement} OFFSET 1000000"));
        }
        let (part, other, only) = planted.replacement()?;
        (statement.contains(part) && statement.contains(only)).then(|| statement.replace(part, other))
    }

    /// Whether this error was planted.
    pub(crate) fn has(&self, planted: Planted) -> bool {
        self.fabric.plan.planted == Some(planted)
    }
}
