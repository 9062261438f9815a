//! What can go wrong in this driver.

use ashlar_common::{
    bytes::BytesError,
    driver::{self, Classified, Kind, context::Stopped},
    exec::ExecError,
    ids::{PoolName, SnapshotId, VolumeId},
    image::ImageError,
    units::ByteCount,
};

use crate::{
    lvm::ShellError,
    names::{LvName, VgName},
};

/// An error of the LVM driver.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A tool is missing, failed or was stopped.
    #[error(transparent)]
    Tool(#[from] ExecError),
    /// The system refused.
    #[error("cannot {doing}")]
    Io {
        /// What was to be done.
        doing: String,
        /// Why not.
        source: std::io::Error,
    },
    /// Bytes could not be moved.
    #[error(transparent)]
    Bytes(#[from] BytesError),
    /// An image could not be read or written.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A key of the configuration has a value that makes no sense.
    #[error("{key} = {value} cannot be: {rule}")]
    Setting {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        rule: &'static str,
    },
    /// What the driver needs on this machine is missing or set up otherwise; the text names the fix.
    #[error("{0}")]
    Setup(String),
    /// The configured pool has another name.
    #[error("there is no pool {asked}: this backend has one, {has}; `pool` in its configuration must stay as it was")]
    NoPool {
        /// Asked for.
        asked: PoolName,
        /// Configured.
        has: PoolName,
    },
    /// The call ended while it waited; nothing was begun.
    #[error("{doing} was not begun")]
    NotBegun {
        /// What was to be done.
        doing: String,
        /// Why the wait ended.
        source: Stopped,
    },
    /// The call was stopped on its way.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// A step of several failed, and what the steps before it did could not be undone now.
    #[error("{doing} is half done, and is finished or undone when it is asked for again or the host starts")]
    Midway {
        /// What was to be done.
        doing: String,
        /// What stopped it.
        source: Box<Error>,
    },
    /// Too many calls wait for the volume group.
    #[error("{waiting} calls wait for volume group {vg} already: try again later")]
    QueueFull {
        /// The volume group.
        vg: VgName,
        /// How many wait.
        waiting: usize,
    },
    /// The LVM shell did not give a whole answer to a command that changes nothing.
    #[error("LVM did not answer {doing}")]
    Unanswered {
        /// The command.
        doing: String,
        /// What came instead.
        source: ShellError,
    },
    /// The LVM shell did not give a whole answer to a command that changes something.
    #[error("whether LVM did {doing} is not known")]
    Unknown {
        /// The command.
        doing: String,
        /// What came instead.
        source: ShellError,
    },
    /// LVM says that it did not do it.
    #[error("LVM refused {doing}: {words}")]
    Refused {
        /// The command.
        doing: String,
        /// LVM's own words.
        words: String,
    },
    /// LVM says that it did it, and it is not so.
    #[error("LVM says that it did {doing}, but {found}")]
    Untrue {
        /// The command.
        doing: String,
        /// What is there instead.
        found: String,
    },
    /// The volume group is not there, or not whole.
    #[error("volume group {vg} cannot be used: {why}")]
    Away {
        /// The volume group.
        vg: VgName,
        /// What is wrong with it, and the fix.
        why: String,
    },
    /// Another process changes the volume group.
    #[error("another process serves volume group {vg}: end it first, or let it do this")]
    OtherHost {
        /// The volume group.
        vg: VgName,
    },
    /// The volume group is full.
    #[error("volume group {vg} has no room for {need}: {free} are free")]
    NoRoom {
        /// The volume group.
        vg: VgName,
        /// What is needed.
        need: ByteCount,
        /// What is there.
        free: ByteCount,
    },
    /// The thin pool is nearly full.
    #[error(
        "thin pool {pool} has {percent:.1} % of its {what} in use, and takes nothing new above {limit} %: extend it"
    )]
    PoolFull {
        /// The thin pool.
        pool: LvName,
        /// `data` or `metadata`.
        what: &'static str,
        /// How full it is.
        percent: f64,
        /// The configured mark.
        limit: u8,
    },
    /// No such volume.
    #[error("there is no volume {0}")]
    NoVolume(VolumeId),
    /// No such snapshot.
    #[error("there is no snapshot {0}")]
    NoSnapshot(SnapshotId),
    /// No logical volume of that name.
    #[error("volume group {vg} has no volume {name}")]
    NoLv {
        /// The volume group.
        vg: VgName,
        /// The name.
        name: LvName,
    },
    /// Something has the volume open or depends on it.
    #[error("{name} is in use: {by}")]
    InUse {
        /// What is in use.
        name: String,
        /// By whom.
        by: String,
    },
    /// It exists already, made otherwise.
    #[error("{name} exists already with {has}, not {asked}")]
    Differs {
        /// What exists.
        name: String,
        /// How it is.
        has: String,
        /// How it was asked for.
        asked: String,
    },
    /// The arguments make no sense.
    #[error("{0}")]
    Invalid(String),
    /// This cannot be done with these arguments.
    #[error("{0}")]
    Unsupported(String),
    /// People have to look.
    #[error("{0}")]
    Damaged(String),
    /// An error that has its kind already.
    #[error("{text}")]
    Other {
        /// Its kind.
        kind: Kind,
        /// What it says.
        text: String,
    },
}

impl Error {
    /// A system call that failed.
    pub fn io(doing: impl Into<String>, source: impl Into<std::io::Error>) -> Self {
        Self::Io { doing: doing.into(), source: source.into() }
    }

    /// A target's refusal.
    pub(crate) fn target(error: ashlar_targets::Error) -> Self {
        driver::Error::from(error).into()
    }

    /// The same after a step of several is done: the outcome of the whole is unknown then, whatever this one's was.
    #[must_use]
    pub fn midway(self, doing: impl Into<String>) -> Self {
        match self.kind() {
            Kind::Fatal | Kind::Indeterminate => self,
            _ => Self::Midway { doing: doing.into(), source: Box::new(self) },
        }
    }
}

impl From<driver::Error> for Error {
    fn from(error: driver::Error) -> Self {
        Self::Other { kind: error.kind(), text: error.chain() }
    }
}

impl Classified for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Tool(error) => error.kind(),
            Self::Bytes(error) => error.kind(),
            Self::Image(error) => error.kind(),
            Self::Other { kind, .. } => *kind,
            Self::Io { .. } | Self::Refused { .. } | Self::Untrue { .. } | Self::Damaged(_) => Kind::Fatal,
            Self::Setting { .. } | Self::NoPool { .. } | Self::Invalid(_) => Kind::Invalid,
            Self::NotBegun { .. }
            | Self::QueueFull { .. }
            | Self::Unanswered { .. }
            | Self::Away { .. }
            | Self::Setup(_)
            | Self::OtherHost { .. } => Kind::Unavailable,
            Self::Stopped(_) | Self::Midway { .. } | Self::Unknown { .. } => Kind::Indeterminate,
            Self::NoRoom { .. } | Self::PoolFull { .. } => Kind::OutOfSpace,
            Self::NoVolume(_) | Self::NoSnapshot(_) | Self::NoLv { .. } => Kind::NotFound,
            Self::InUse { .. } => Kind::Busy,
            Self::Differs { .. } => Kind::Conflict,
            Self::Unsupported(_) => Kind::Unsupported,
        }
    }
}
