//! Errors by what they mean for the caller.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::chain::chain;

/// What a driver's error means for whoever called. The manager's reaction is a function of this alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The object is not on the backend. For a delete that is success, and drivers answer `Unchanged` instead.
    NotFound,
    /// In use or with dependants: nothing was changed, and the object's state returns to what it was.
    Busy,
    /// The object exists and differs from what was asked: nothing was changed.
    Conflict,
    /// The backend has no room: nothing was changed.
    OutOfSpace,
    /// The arguments make no sense (a smaller size, a hostile image): nothing was changed.
    Invalid,
    /// This backend cannot do that with these arguments. Missing capabilities are absent accessors, not this.
    Unsupported,
    /// The backend cannot be reached now; nothing was changed, and a later try may succeed.
    Unavailable,
    /// Stopped by a deadline or by cancellation: it may or may not have happened. Inspect before acting again.
    Indeterminate,
    /// The object is damaged or the backend broken: people have to look.
    Fatal,
}

/// What the manager does after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Try again later, with back-off.
    RetryLater,
    /// Ask the backend what is true, then finish or try again.
    Inspect,
    /// Nothing changed: the object returns to the state it had, and the user is told.
    GiveBack,
    /// The object goes to an error state, and the user is told.
    Fail,
}

impl Kind {
    /// The manager's reaction: the only retry policy there is.
    #[must_use]
    pub const fn reaction(self) -> Reaction {
        match self {
            Self::Unavailable => Reaction::RetryLater,
            Self::Indeterminate => Reaction::Inspect,
            Self::Busy | Self::Conflict | Self::OutOfSpace | Self::Invalid | Self::Unsupported => Reaction::GiveBack,
            Self::NotFound | Self::Fatal => Reaction::Fail,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "not found",
            Self::Busy => "busy",
            Self::Conflict => "conflict",
            Self::OutOfSpace => "out of space",
            Self::Invalid => "invalid",
            Self::Unsupported => "unsupported",
            Self::Unavailable => "unavailable",
            Self::Indeterminate => "outcome unknown",
            Self::Fatal => "fatal",
        })
    }
}

/// An error type that knows its [`Kind`]. Each driver's `Error` enum implements it in one exhaustive match, and `?`
/// then turns it into [`Error`].
///
/// ```
/// # use ashlar_common::driver::{self, Classified, Kind};
/// #[derive(Debug, thiserror::Error)]
/// enum Error {
///     #[error("pool {pool} has no room")]
///     NoRoom { pool: String },
/// }
///
/// impl Classified for Error {
///     fn kind(&self) -> Kind {
///         match self {
///             Self::NoRoom { .. } => Kind::OutOfSpace,
///         }
///     }
/// }
///
/// fn create() -> driver::Result<()> {
///     Err(Error::NoRoom { pool: "fast".to_owned() })?
/// }
/// let error = create().unwrap_err();
/// assert_eq!((error.kind(), error.chain().as_str()), (Kind::OutOfSpace, "pool fast has no room"));
/// ```
pub trait Classified: std::error::Error + Send + Sync + 'static {
    /// What the error means for the caller.
    fn kind(&self) -> Kind;
}

/// What crosses the driver contract: a kind, and the error it came from for people to read.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// Result of a driver call.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of `kind` with a message of its own, for callers that have no error type to classify.
    pub fn new(kind: Kind, message: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind, source: message.into() }
    }

    /// What it means for the caller.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The message and its causes, in one line. Printed once, where the error is handled.
    #[must_use]
    pub fn chain(&self) -> String {
        chain(self.source.as_ref())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain())
    }
}

impl<E: Classified> From<E> for Error {
    fn from(error: E) -> Self {
        Self { kind: error.kind(), source: Box::new(error) }
    }
}
