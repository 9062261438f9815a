//! What an expression comes to.

use std::cmp::Ordering;

/// A value. Texts are borrowed from the pool, the request or the function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::scheduler) enum Value<'a> {
    /// Finite, or infinite for a pool without limit.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// Words.
    Text(&'a str),
}

impl<'a> Value<'a> {
    /// A text that somebody stored: a number where it reads as one, as in Cinder.
    pub(super) fn stored(text: &'a str) -> Self {
        match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Self::Number(number),
            _ => Self::Text(text),
        }
    }

    /// As a condition, by Python's rules.
    pub(in crate::scheduler) fn holds(self) -> bool {
        match self {
            Self::Number(number) => number != 0.0,
            Self::Flag(flag) => flag,
            Self::Text(text) => !text.is_empty(),
        }
    }

    /// As a number; yes is 1. `None` for a text.
    pub(super) fn number(self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Flag(flag) => Some(f64::from(u8::from(flag))),
            Self::Text(_) => None,
        }
    }

    /// Equal texts, equal numbers, and a flag beside the word for it.
    pub(super) fn same(self, other: Self) -> bool {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Flag(flag), Self::Text(word)) | (Self::Text(word), Self::Flag(flag)) => {
                word.eq_ignore_ascii_case(if flag { "true" } else { "false" })
            }
            _ => self.number().is_some_and(|number| Some(number) == other.number()),
        }
    }

    /// Which is greater; `None` where a text stands beside a number.
    pub(super) fn order(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            _ => self.number()?.partial_cmp(&other.number()?),
        }
    }
}
