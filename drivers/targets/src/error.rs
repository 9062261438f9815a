//! What can go wrong, and what it means for the caller.

use std::{io, path::PathBuf};

use ashlar_common::driver::{Classified, Kind};

/// An error of a target. Never holds a secret: of what was to be written, only the path is kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel has no such target.
    #[error("this machine's kernel does not offer {what} at {path:?}: {fix}")]
    NoKernel {
        /// The target.
        what: &'static str,
        /// Where its part of configfs should be.
        path: PathBuf,
        /// What to do.
        fix: &'static str,
    },
    /// Text that cannot be a name in configfs or of a client.
    #[error("{text:?} cannot be used as {what}: {rule}")]
    BadName {
        /// What it was to be.
        what: &'static str,
        /// As given.
        text: String,
        /// What it must be.
        rule: &'static str,
    },
    /// This target cannot do that.
    #[error("{what}")]
    Unsupported {
        /// What cannot be, and what can.
        what: &'static str,
    },
    /// Something that is not ours is where the export should be.
    #[error("{path:?} is there already and differs: {why}")]
    Conflict {
        /// Where.
        path: PathBuf,
        /// How it differs, and what to do.
        why: &'static str,
    },
    /// The kernel refused a step.
    #[error("cannot {doing} {path:?}")]
    Io {
        /// The step.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A directory has more entries than anything of ours.
    #[error("{path:?} has more than {limit} entries")]
    TooMany {
        /// Where.
        path: PathBuf,
        /// How many are read.
        limit: usize,
    },
    /// What was written is not what is read.
    #[error("{path:?} does not hold what was written into it")]
    NotTaken {
        /// Where.
        path: PathBuf,
    },
}

impl Classified for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::NoKernel { .. } | Self::Unsupported { .. } => Kind::Unsupported,
            Self::BadName { .. } => Kind::Invalid,
            Self::Conflict { .. } => Kind::Conflict,
            // Some steps may have been made. Callers that take them back again may say less.
            Self::Io { .. } | Self::TooMany { .. } | Self::NotTaken { .. } => Kind::Fatal,
        }
    }
}
