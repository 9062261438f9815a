//! What can go wrong on the client's side, and what it means for the caller.

use std::{io, path::PathBuf};

use super::connectors::KNOWN;
use crate::{
    driver::{Classified, Kind, context::Stopped},
    exec::ExecError,
};

/// An error of a connector. No text holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing here speaks the protocol.
    #[error("this host cannot attach by {protocol:?}: it knows {}", KNOWN.join(", "))]
    Protocol {
        /// The connection's `driver_volume_type`.
        protocol: String,
    },
    /// The protocol is known, but not used in this way.
    #[error("this host cannot attach that: {what}")]
    Way {
        /// What is not done here.
        what: String,
    },
    /// The connection information makes no sense.
    #[error("the connection information cannot be used: {key} {why}")]
    Told {
        /// The key that is missing or wrong.
        key: &'static str,
        /// What is wrong with it, and what it should be. Never its value where that is a secret.
        why: String,
    },
    /// There is nothing at the path that was told.
    #[error("{path:?} is not on this host: is the volume exported to another one?")]
    Absent {
        /// The device or file.
        path: PathBuf,
    },
    /// The path is neither a block device nor a file.
    #[error("{path:?} is neither a block device nor a file")]
    NotAVolume {
        /// What it is instead is for people to look at.
        path: PathBuf,
    },
    /// Somebody uses the device.
    #[error("{path:?} is in use{by}: unmount it, or remove what is built on it, then detach again")]
    InUse {
        /// The device.
        path: PathBuf,
        /// By what, where the kernel says, with a leading blank.
        by: String,
    },
    /// A system call failed.
    #[error("cannot {doing} {path:?}")]
    Io {
        /// The step.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The kernel did not answer in time; the step may still take place.
    #[error("{doing} {path:?} took more than {seconds} s")]
    Slow {
        /// The step.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
    /// Written bytes did not get to the volume, which could be reached: nothing was taken apart.
    #[error(
        "what was written to {path:?} could not be flushed, and it is still attached: try again, or force it and lose that"
    )]
    Unflushed {
        /// The device.
        path: PathBuf,
        /// Why.
        source: Box<Error>,
    },
    /// Another process of this host is at work on the same target.
    #[error("another process attaches or detaches {target} on this host: try again when it has ended")]
    Locked {
        /// The target's name.
        target: String,
    },
    /// iscsid is not there to log in.
    #[error("iscsid does not run on this host: systemctl start iscsid")]
    NoDaemon {
        /// What iscsiadm said.
        source: ExecError,
    },
    /// open-iscsi's records cannot be read or written, and not only because somebody deleted one just then.
    #[error("open-iscsi's records of targets cannot be used: look for what is broken or full in {looked}")]
    Database {
        /// The directories.
        looked: String,
        /// What iscsiadm said.
        source: ExecError,
    },
    /// The target refused the name or the secret.
    #[error(
        "target {target} refuses this host: its initiator name ({initiator}) or CHAP secret is not the one that the volume was exported to; attach anew"
    )]
    Refused {
        /// The target's name.
        target: String,
        /// This host's name for itself.
        initiator: String,
        /// What iscsiadm said.
        source: ExecError,
    },
    /// No portal led to the target.
    #[error(
        "target {target} cannot be reached by {tried}: is the portal's address reachable from here, and the volume still exported?"
    )]
    Unreachable {
        /// The target's name.
        target: String,
        /// The portals.
        tried: String,
        /// What came of the last of them.
        source: Box<Error>,
    },
    /// The target has no such unit, or it did not show in time.
    #[error(
        "LUN {lun} of target {target} did not appear within {seconds} s: is the volume still exported to this host?"
    )]
    NoUnit {
        /// The target's name.
        target: String,
        /// The unit's number.
        lun: u64,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The unit is there, and no disk of it.
    #[error(
        "LUN {lun} of target {target} is here, but not as a disk: modprobe sd_mod, and see that /dev is kept by udev or devtmpfs"
    )]
    NoDisk {
        /// The target's name.
        target: String,
        /// The unit's number.
        lun: u64,
    },
    /// The unit is there, but is not the volume that was told.
    #[error(
        "{device} is LUN {lun} of target {target}, but its serial is {found:?}, not {expected:?}: this is another volume, and it was not attached"
    )]
    OtherVolume {
        /// The kernel's name.
        device: String,
        /// The target's name.
        target: String,
        /// The unit's number.
        lun: u64,
        /// As the unit says.
        found: String,
        /// As the connection information says.
        expected: String,
    },
    /// iscsiadm made no record of the target where it is looked for.
    #[error("iscsiadm keeps its records in none of {looked}: nothing was attached")]
    NoRecords {
        /// The directories.
        looked: String,
    },
    /// iscsiadm failed, or is not installed.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// The call was cancelled or its time is up.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl Error {
    /// What it means for the caller.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Protocol { .. } | Self::Way { .. } => Kind::Unsupported,
            Self::Told { .. } | Self::NotAVolume { .. } => Kind::Invalid,
            Self::Absent { .. } | Self::NoUnit { .. } => Kind::NotFound,
            Self::InUse { .. } | Self::Locked { .. } => Kind::Busy,
            Self::Io { .. } | Self::NoRecords { .. } | Self::NoDisk { .. } => Kind::Fatal,
            Self::Slow { .. } => Kind::Indeterminate,
            Self::Unflushed { .. } | Self::NoDaemon { .. } | Self::Database { .. } | Self::Unreachable { .. } => {
                Kind::Unavailable
            }
            Self::Refused { .. } => Kind::Invalid,
            Self::OtherVolume { .. } => Kind::Conflict,
            Self::Exec(error) => error.kind(),
            Self::Stopped(stopped) => stopped.kind(),
        }
    }

    pub(super) fn told(key: &'static str, why: impl Into<String>) -> Self {
        Self::Told { key, why: why.into() }
    }
}

impl Classified for Error {
    fn kind(&self) -> Kind {
        self.kind()
    }
}

/// Gives a system call's error the step and the path it belongs to.
pub(super) trait Doing<T> {
    /// `doing` continues "cannot ...".
    fn doing(self, doing: &'static str, path: impl Into<PathBuf>) -> Result<T, Error>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, doing: &'static str, path: impl Into<PathBuf>) -> Result<T, Error> {
        self.map_err(|source| Error::Io { doing, path: path.into(), source: source.into() })
    }
}
