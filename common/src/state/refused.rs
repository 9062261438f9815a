//! An event that a state does not take.

/// The state does not take the event; nothing changes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event} is not possible while {state}")]
pub struct Refused {
    /// What was asked.
    pub event: String,
    /// Where things stand.
    pub state: String,
}

impl Refused {
    pub(super) fn new(state: impl Into<String>, event: impl Into<String>) -> Self {
        Self { state: state.into(), event: event.into() }
    }
}
