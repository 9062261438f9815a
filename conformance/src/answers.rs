//! What calls answer, held against what they should: each failure says which call, what was expected and what came.

use std::fmt;

use ashlar_common::driver::{Kind, Outcome, Result};

use crate::{
    outcome::{Held, Stop},
    stage::refused,
};

/// The call went well; whether it changed something is left open.
///
/// # Errors
/// It was refused.
pub fn done<T>(call: &str, answer: Result<Outcome<T>>) -> Held<T> {
    answer.map(Outcome::into_inner).map_err(|error| refused(call, &error))
}

/// The call changed something.
///
/// # Errors
/// It was refused, or says that it was so already.
pub fn changed<T>(call: &str, answer: Result<Outcome<T>>) -> Held<T> {
    match answer {
        Ok(Outcome::Changed(value)) => Ok(value),
        Ok(Outcome::Unchanged(_)) => {
            Err(Stop::failed(format!("{call}: `changed` was expected, and it is `unchanged`")))
        }
        Err(error) => Err(refused(call, &error)),
    }
}

/// The call found that it was so already.
///
/// # Errors
/// It was refused, or says that it changed something.
pub fn unchanged<T>(call: &str, answer: Result<Outcome<T>>) -> Held<T> {
    match answer {
        Ok(Outcome::Unchanged(value)) => Ok(value),
        Ok(Outcome::Changed(_)) => Err(Stop::failed(format!("{call}: `unchanged` was expected, and it is `changed`"))),
        Err(error) => Err(refused(call, &error)),
    }
}

/// The call was refused as one of these kinds.
///
/// # Errors
/// It went well, or was refused as something else.
pub fn refuses<T>(call: &str, answer: Result<T>, kinds: &[Kind]) -> Held {
    let expected = || kinds.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(" or ");
    match answer {
        Err(error) if kinds.contains(&error.kind()) => Ok(()),
        Err(error) => {
            Err(Stop::failed(format!("{call}: {} was expected, and it is `{}`: {error}", expected(), error.kind())))
        }
        Ok(_) => Err(Stop::failed(format!("{call}: {} was expected, and it is done", expected()))),
    }
}

/// Two things that should be equal.
///
/// # Errors
/// They are not.
pub fn equal<T: PartialEq + fmt::Debug>(what: &str, found: &T, expected: &T) -> Held {
    if found == expected {
        return Ok(());
    }
    Err(Stop::failed(format!("{what}: {expected:?} was expected, {found:?} is there")))
}
