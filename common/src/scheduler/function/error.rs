//! What is wrong with a text that should be a function.

/// Not a function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {what}")]
pub struct Malformed {
    /// The character at which it shows, from 1.
    pub column: u16,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl Malformed {
    pub(super) fn new(column: u16, what: impl Into<String>) -> Self {
        Self { column, what: what.into() }
    }
}
