//! Why a request was not taken. Nothing was changed, unless the text says otherwise.

use crate::{driver, state, store};

/// A request that was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such thing, or it belongs to another project.
    #[error("{what} {id} could not be found")]
    NotFound {
        /// `volume`, `snapshot`, `attachment`, `image` or `volume type`.
        what: &'static str,
        /// What was asked for.
        id: String,
    },
    /// The thing's state does not allow it.
    #[error("{what} {id} {message}")]
    State {
        /// `volume`, `snapshot` or `attachment`.
        what: &'static str,
        /// Its id.
        id: String,
        /// Why, and what to do.
        message: String,
    },
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// Somebody else is in the way.
    #[error("{0}")]
    Conflict(String),
    /// There is no room for it.
    #[error("{0}")]
    NoRoom(String),
    /// The backend's host has not answered in time; the operation goes on.
    #[error("{0}")]
    TooSlow(String),
    /// The backend refused.
    #[error("{message}")]
    Backend {
        /// What it means.
        kind: driver::Kind,
        /// What happened.
        message: String,
    },
    /// The store does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Result of a request.
pub type Result<T> = std::result::Result<T, Refusal>;

impl Refusal {
    pub(super) fn not_found(what: &'static str, id: impl ToString) -> Self {
        Self::NotFound { what, id: id.to_string() }
    }

    pub(super) fn state(what: &'static str, id: impl ToString, message: impl Into<String>) -> Self {
        Self::State { what, id: id.to_string(), message: message.into() }
    }

    /// A state machine said no.
    pub(super) fn event(what: &'static str, id: impl ToString, refused: &state::Refused) -> Self {
        let message = format!("is {}, so {} is not possible now", refused.state, refused.event);
        Self::state(what, id, message)
    }
}
