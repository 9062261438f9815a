//! What can go wrong, and what it means for the caller.

use std::path::PathBuf;

use ashlar_common::{
    bytes::BytesError,
    driver::{Classified, Kind, context::Stopped},
    ids::{AttachmentId, SnapshotId, VolumeId},
    image::ImageError,
    units::ByteCount,
};
use rustix::io::Errno;

/// An error of a file store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configured directory is not an absolute UTF-8 path.
    #[error("{path:?} cannot be used: give the absolute path of a directory, in UTF-8")]
    BadPath {
        /// As configured.
        path: PathBuf,
    },
    /// The configured directory cannot be opened.
    #[error("cannot open the directory {path:?}: create it, or mount what should be there")]
    NoRoot {
        /// As configured.
        path: PathBuf,
        /// Why.
        source: Errno,
    },
    /// The configured directory lacks something that volumes need.
    #[error("{path:?} cannot hold volumes: {missing}")]
    Unfit {
        /// As configured.
        path: PathBuf,
        /// What is missing, and what to do.
        missing: &'static str,
        /// What the kernel said.
        source: Errno,
    },
    /// A system call failed and nothing was changed.
    #[error("cannot {doing} {name}")]
    Io {
        /// The step.
        doing: &'static str,
        /// The file, relative to the store.
        name: String,
        /// Why.
        source: Errno,
    },
    /// A step after the change took place failed, so it may not outlive a power loss.
    #[error("{name} was changed, but the change may not be durable")]
    Unsettled {
        /// The file, relative to the store.
        name: String,
        /// Why.
        source: Box<Error>,
    },
    /// There is something under an object's name that this store did not make.
    #[error("{name} is not what this store makes: {why}")]
    Damaged {
        /// The file, relative to the store.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// The configured path no longer leads to the directory that was opened.
    #[error("{path:?} does not lead to the opened store any more: was it moved, or something mounted over it?")]
    Moved {
        /// The export that cannot be reached.
        path: PathBuf,
    },
    /// No such volume.
    #[error("volume {0} is not in the store")]
    NoVolume(VolumeId),
    /// No such snapshot.
    #[error("snapshot {0} is not in the store")]
    NoSnapshot(SnapshotId),
    /// A volume of no size.
    #[error("volume {0} would have no bytes")]
    Empty(VolumeId),
    /// The target is smaller than what it should hold.
    #[error("{asked} is too small: {needed} must fit")]
    TooSmall {
        /// What was asked for.
        asked: ByteCount,
        /// What it must be at least.
        needed: ByteCount,
    },
    /// The object exists and differs.
    #[error("{name} exists already, and it {differs}")]
    Conflict {
        /// The object.
        name: String,
        /// In what it differs.
        differs: String,
    },
    /// The volume is attached.
    #[error("volume {volume} is attached ({attachment})")]
    Attached {
        /// The volume.
        volume: VolumeId,
        /// One of its attachments.
        attachment: AttachmentId,
    },
    /// The volume is attached, and bytes of one instant can only be had by reflink.
    #[error(
        "volume {0} is attached, and what may be written to meanwhile is copied only where files can share blocks (a \
         thin store on XFS or btrfs): detach it first"
    )]
    AttachedCopy(VolumeId),
    /// The volume is attached in the other mode, and a file has one mode for all.
    #[error(
        "volume {volume} is attached ({attachment}), and attachments of one volume are all read-only or all writing: \
         detach that one first"
    )]
    MixedModes {
        /// The volume.
        volume: VolumeId,
        /// An attachment of the other mode.
        attachment: AttachmentId,
    },
    /// All attachments that a volume may have are taken.
    #[error("volume {volume} has {max} attachments, which is as many as it may have")]
    TooManyAttachments {
        /// The volume.
        volume: VolumeId,
        /// The limit.
        max: u32,
    },
    /// The call was cancelled or its time is up.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// Reading or writing bytes failed.
    #[error(transparent)]
    Bytes(#[from] BytesError),
    /// Reading or writing an image failed.
    #[error(transparent)]
    Image(#[from] ImageError),
}

impl Error {
    /// What it means for the caller.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::NoRoot { .. } | Self::Moved { .. } => Kind::Unavailable,
            Self::BadPath { .. } | Self::Empty(_) | Self::TooSmall { .. } => Kind::Invalid,
            Self::Unfit { source, .. } | Self::Io { source, .. } => kind_of(*source),
            Self::Unsettled { .. } => Kind::Indeterminate,
            Self::Damaged { .. } => Kind::Fatal,
            Self::NoVolume(_) | Self::NoSnapshot(_) => Kind::NotFound,
            Self::Conflict { .. } => Kind::Conflict,
            Self::Attached { .. }
            | Self::AttachedCopy(_)
            | Self::MixedModes { .. }
            | Self::TooManyAttachments { .. } => Kind::Busy,
            Self::Stopped(stopped) => stopped.kind(),
            Self::Bytes(error) => error.kind(),
            Self::Image(error) => error.kind(),
        }
    }
}

impl Classified for Error {
    fn kind(&self) -> Kind {
        self.kind()
    }
}

/// What a system call's error means when nothing was changed by it.
fn kind_of(errno: Errno) -> Kind {
    match errno {
        Errno::NOSPC | Errno::DQUOT => Kind::OutOfSpace,
        Errno::FBIG => Kind::Invalid,
        // These pass by themselves, or when an operator has put something right, and the call may be tried again.
        Errno::STALE
        | Errno::TIMEDOUT
        | Errno::HOSTDOWN
        | Errno::HOSTUNREACH
        | Errno::NODEV
        | Errno::NOTCONN
        | Errno::NOENT
        | Errno::ROFS
        | Errno::ACCESS
        | Errno::PERM
        | Errno::MFILE
        | Errno::NFILE
        | Errno::NOMEM
        | Errno::INTR
        | Errno::AGAIN => Kind::Unavailable,
        _ => Kind::Fatal,
    }
}

/// Gives a system call's error the step and the file it belongs to.
pub(crate) trait Doing<T> {
    /// `doing` continues "cannot ...", `name` is relative to the store.
    fn doing(self, doing: &'static str, name: &str) -> Result<T, Error>;
}

impl<T> Doing<T> for Result<T, Errno> {
    fn doing(self, doing: &'static str, name: &str) -> Result<T, Error> {
        self.map_err(|source| Error::Io { doing, name: name.to_owned(), source })
    }
}

impl<T> Doing<T> for std::io::Result<T> {
    fn doing(self, doing: &'static str, name: &str) -> Result<T, Error> {
        let errno = |error: std::io::Error| Errno::from_io_error(&error).unwrap_or(Errno::IO);
        self.map_err(errno).doing(doing, name)
    }
}
