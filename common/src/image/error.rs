//! Why an image cannot be used or its bytes not be moved.

use std::io;

use rustix::io::Errno;

use super::{format::ImageFormat, qcow2::Qcow2Fault};
use crate::{
    bytes::BytesError,
    driver::{Classified, Kind, context::Stopped},
    exec::ExecError,
    units::ByteCount,
};

/// An image was refused, or moving its bytes failed.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A directory, device, pipe, socket or symbolic link stands where the image should be.
    #[error("the image is not a plain file")]
    NotAFile,
    /// There is nothing in it: what a failed download leaves.
    #[error("the image file is empty")]
    Empty,
    /// The bytes are not what the file is said to be.
    #[error("the image is said to be {declared}, but its bytes are {found}")]
    Mismatch {
        /// What it is said to be.
        declared: ImageFormat,
        /// What it looks like.
        found: &'static str,
    },
    /// A qcow2 image that is not complete in itself, or damaged.
    #[error("the qcow2 image is refused")]
    Refused(#[from] Qcow2Fault),
    /// The image's size cannot be a volume's.
    #[error("the image's size of {0} bytes is more than any volume can have")]
    Absurd(u64),
    /// The image does not fit.
    #[error("the image holds {virtual_size} ({} bytes), more than the volume's {size}", virtual_size.bytes())]
    TooLarge {
        /// The size of the disk in the image.
        virtual_size: ByteCount,
        /// The size of the volume.
        size: ByteCount,
    },
    /// The image's metadata is well formed, yet `qemu-img` cannot read its data.
    #[error("the image cannot be read")]
    Unreadable(#[source] ExecError),
    /// The source ended before all bytes were copied.
    #[error("the source ends at byte {end}, before the {wanted} bytes to be copied")]
    ShortSource {
        /// Where it ended.
        end: u64,
        /// How many bytes were to be copied.
        wanted: u64,
    },
    /// The target cannot hold the volume it is said to be.
    #[error("the target has {length} bytes, fewer than the volume's {size}")]
    ShortTarget {
        /// How long it is.
        length: u64,
        /// How long it should be at least.
        size: u64,
    },
    /// A part of a longer source can be written as qcow2 in whole sectors only.
    #[error("the first {0} bytes of a longer source are not whole sectors of 512 bytes, as qcow2 needs")]
    PartSector(u64),
    /// `qemu-img` wrote something else than it was asked to.
    #[error("qemu-img made an image of {made} where {wanted} were asked for")]
    WrongResult {
        /// The size of the disk in the new image.
        made: ByteCount,
        /// The size that was asked for.
        wanted: ByteCount,
    },
    /// The operation was stopped.
    #[error("the copy was stopped")]
    Stopped(#[from] Stopped),
    /// An outside program failed.
    #[error("the conversion failed")]
    Exec(#[from] ExecError),
    /// The system refused.
    #[error("cannot {doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A fault in this program.
    #[error("image work panicked: {0}")]
    Panicked(String),
}

impl ImageError {
    /// For `map_err` at system calls.
    pub(super) fn io(doing: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }
}

impl From<BytesError> for ImageError {
    fn from(error: BytesError) -> Self {
        match error {
            BytesError::ShortSource { end, wanted } => Self::ShortSource { end, wanted },
            BytesError::Stopped(stopped) => Self::Stopped(stopped),
            BytesError::Io { doing, source } => Self::Io { doing, source },
        }
    }
}

impl Classified for ImageError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotAFile
            | Self::Empty
            | Self::Mismatch { .. }
            | Self::Refused(_)
            | Self::Absurd(_)
            | Self::TooLarge { .. }
            | Self::Unreadable(_)
            | Self::PartSector(_) => Kind::Invalid,
            Self::ShortSource { .. } | Self::ShortTarget { .. } | Self::WrongResult { .. } | Self::Panicked(_) => {
                Kind::Fatal
            }
            Self::Stopped(stopped) => stopped.kind(),
            // The locale is always C, so this is what every tool says for the error of that name.
            Self::Exec(error) if error.stderr().contains("No space left on device") => Kind::OutOfSpace,
            Self::Exec(error) => error.kind(),
            Self::Io { source, .. } => kind_of(source),
        }
    }
}

fn kind_of(error: &io::Error) -> Kind {
    match Errno::from_io_error(error) {
        Some(Errno::NOSPC | Errno::DQUOT) => Kind::OutOfSpace,
        // The image's path comes with the request; volumes are opened by the driver.
        Some(Errno::NOENT) => Kind::Invalid,
        // A file server that is away.
        Some(Errno::STALE | Errno::TIMEDOUT | Errno::HOSTDOWN | Errno::HOSTUNREACH | Errno::NETUNREACH) => {
            Kind::Unavailable
        }
        _ => Kind::Fatal,
    }
}
