//! Why bytes cannot be moved.

use std::io;

use rustix::io::Errno;

use crate::driver::{Classified, Kind, context::Stopped};

/// Moving bytes failed. The target is part-way then.
#[derive(Debug, thiserror::Error)]
pub enum BytesError {
    /// The source ended before all bytes were copied.
    #[error("the source ends at byte {end}, before the {wanted} bytes to be copied")]
    ShortSource {
        /// Where it ended.
        end: u64,
        /// How many bytes were to be copied.
        wanted: u64,
    },
    /// The operation was stopped.
    #[error("the copy was stopped")]
    Stopped(#[from] Stopped),
    /// The system refused.
    #[error("cannot {doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl BytesError {
    /// For `map_err` at system calls.
    pub(super) fn io(doing: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }
}

impl Classified for BytesError {
    fn kind(&self) -> Kind {
        match self {
            Self::ShortSource { .. } => Kind::Fatal,
            Self::Stopped(stopped) => stopped.kind(),
            Self::Io { source, .. } => match Errno::from_io_error(source) {
                Some(Errno::NOSPC | Errno::DQUOT) => Kind::OutOfSpace,
                // A file server that is away.
                Some(Errno::STALE | Errno::TIMEDOUT | Errno::HOSTDOWN | Errno::HOSTUNREACH | Errno::NETUNREACH) => {
                    Kind::Unavailable
                }
                _ => Kind::Fatal,
            },
        }
    }
}
