//! What a client was told.

use ashlar_common::{
    manager::Refusal,
    store::{self},
};

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// It was taken in, or done; the id of what it made.
    Accepted(Option<String>),
    /// It was not, and nothing was changed.
    Refused(String),
    /// It may have been.
    Unknown(String),
}

impl Told {
    /// What a refusal means. One of a call that waits may come after something was changed: its text says so.
    pub(crate) fn of(refusal: &Refusal, waits: bool) -> Self {
        let text = refusal.to_string();
        let unknown = match refusal {
            Refusal::Store(store::Error::Unknown) | Refusal::TooSlow(_) | Refusal::Backend { .. } => true,
            Refusal::Store(_) => waits,
            Refusal::Conflict(_) => waits,
            Refusal::NotFound { .. } => waits,
            _ => false,
        };
        if unknown { Self::Unknown(text) } else { Self::Refused(text) }
    }
}
