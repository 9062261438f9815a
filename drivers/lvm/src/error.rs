//! What can go wrong in this driver.

use ashlar_common::{
    bytes::BytesError,
    driver::{Classified, Kind},
    exec::ExecError,
    image::ImageError,
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
    /// A fault in this program.
    #[error("the driver's work panicked: {0}")]
    Panicked(String),
}

impl Classified for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Tool(error) => error.kind(),
            Self::Bytes(error) => error.kind(),
            Self::Image(error) => error.kind(),
            Self::Io { .. } | Self::Panicked(_) => Kind::Fatal,
        }
    }
}
