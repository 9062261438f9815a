//! How a case ends.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a case ended. Only [`Outcome::Passed`] and [`Outcome::Unsupported`] are well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "detail", rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything held.
    Passed,
    /// Something did not hold: what.
    Failed(String),
    /// The driver does not claim the capability, and was seen not to offer it: which.
    Unsupported(String),
    /// The backend, or a tool that the case needs, is not here: what, and how to get it. Never success.
    NotRun(String),
}

impl Outcome {
    /// Whether a run with this outcome may be green.
    #[must_use]
    pub fn is_well(&self) -> bool {
        matches!(self, Self::Passed | Self::Unsupported(_))
    }
}

/// Why a case stopped before its end: something did not hold, or it could not be tried.
#[derive(Debug)]
pub enum Stop {
    /// Something did not hold.
    Failed(String),
    /// A part of the backend that the case needs is not here.
    NotRun(String),
}

impl Stop {
    /// A failure, in words.
    pub fn failed(what: impl fmt::Display) -> Self {
        Self::Failed(what.to_string())
    }
}

/// What a case answers.
pub type Held<T = ()> = Result<T, Stop>;

/// The case stops as failed unless the condition holds.
///
/// # Errors
/// It does not hold.
pub fn ensure(holds: bool, otherwise: impl FnOnce() -> String) -> Held {
    if holds { Ok(()) } else { Err(Stop::Failed(otherwise())) }
}
