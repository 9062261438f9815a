//! What can go wrong in this driver.

use ashlar_common::{
    driver::{Classified, Kind},
    exec::ExecError,
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
}

impl Classified for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Tool(error) => error.kind(),
            Self::Io { .. } => Kind::Fatal,
        }
    }
}
