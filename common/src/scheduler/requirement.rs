//! The value of an extra spec: an operator and what it is compared with.
//!
//! | written | holds if the pool's value |
//! |---|---|
//! | `<is> True` | is that answer, as yes or no |
//! | `<in> x` | contains the text x |
//! | `<all-in> x y` | contains each of the words |
//! | `<or> x <or> y` | is one of them |
//! | `s== x`, `s!=`, `s>=`, `s>`, `s<=`, `s<` | compares so as text |
//! | `= 5` or `>= 5`, `== 5`, `!= 5`, `<= 5` | compares so as a number; a lone `=` means at least, as in Cinder |
//! | `x` | is x: as yes or no, as a number or as text, whichever the pool's value is |
//!
//! Case does not matter, nor does space around a value; a space ends the operator. A value that starts like an operator
//! but is none is malformed, not text to compare: else `>=5` would fail each pool for no visible reason. A pool's
//! value that is unknown, or of the wrong sort, satisfies no operator, `!=` included.

use std::{borrow::Cow, cmp::Ordering, str::FromStr};

use super::fact::Fact;

/// What an extra spec asks of one capability. Texts are in lower case.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Requirement {
    /// `<is>`
    Is(bool),
    /// `<in>` and `<all-in>`: contains each.
    Contains(Vec<String>),
    /// `<or>`, and a plain value: equals one.
    OneOf(Vec<String>),
    /// `s==` and its like.
    Text(Comparison, String),
    /// `=`, `==` and their like; the number is finite.
    Number(Comparison, f64),
}

/// How two values must stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `>=`
    AtLeast,
    /// `>`
    Greater,
}

/// Not a requirement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("there is no operator {0:?}; operators are followed by a space")]
    Operator(String),
    #[error("nothing follows the operator")]
    Nothing,
    #[error("{0:?} is not a number")]
    Number(String),
    #[error("{0:?} is neither True nor False")]
    Answer(String),
}

impl FromStr for Requirement {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let text = text.trim().to_lowercase();
        let (operator, rest) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
        let rest = rest.trim();
        match operator {
            "<is>" => answer(given(rest)?).map(Self::Is).ok_or_else(|| Malformed::Answer(rest.to_owned())),
            "<in>" => Ok(Self::Contains(vec![given(rest)?.to_owned()])),
            "<all-in>" => Ok(Self::Contains(given(rest)?.split_whitespace().map(str::to_owned).collect())),
            "<or>" => rest
                .split("<or>")
                .map(|one| given(one.trim()).map(str::to_owned))
                .collect::<Result<_, _>>()
                .map(Self::OneOf),
            _ => match (operator.strip_prefix('s').and_then(text_comparison), number_comparison(operator)) {
                (Some(comparison), _) => Ok(Self::Text(comparison, given(rest)?.to_owned())),
                (None, Some(comparison)) => Ok(Self::Number(comparison, number(given(rest)?)?)),
                (None, None) if looks_like_operator(operator) => Err(Malformed::Operator(operator.to_owned())),
                (None, None) => Ok(Self::OneOf(vec![text])),
            },
        }
    }
}

impl Requirement {
    /// Whether a pool that says this meets the requirement.
    pub(super) fn holds(&self, fact: &Fact<'_>) -> bool {
        match self {
            Self::Is(wanted) => as_flag(fact) == Some(*wanted),
            Self::Contains(parts) => as_text(fact).is_some_and(|text| parts.iter().all(|part| contains(&text, part))),
            Self::OneOf(values) => values.iter().any(|value| equals(fact, value)),
            Self::Text(comparison, wanted) => {
                as_text(fact).is_some_and(|text| comparison.holds(lowered(&text).cmp(wanted.chars())))
            }
            Self::Number(comparison, wanted) => as_number(fact)
                .and_then(|number| number.partial_cmp(wanted))
                .is_some_and(|order| comparison.holds(order)),
        }
    }
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::AtLeast => order.is_ge(),
            Self::Greater => order.is_gt(),
        }
    }
}

fn given(rest: &str) -> Result<&str, Malformed> {
    if rest.is_empty() { Err(Malformed::Nothing) } else { Ok(rest) }
}

fn text_comparison(symbol: &str) -> Option<Comparison> {
    Some(match symbol {
        "<" => Comparison::Less,
        "<=" => Comparison::AtMost,
        "==" => Comparison::Equal,
        "!=" => Comparison::NotEqual,
        ">=" => Comparison::AtLeast,
        ">" => Comparison::Greater,
        _ => return None,
    })
}

fn number_comparison(symbol: &str) -> Option<Comparison> {
    Some(match symbol {
        "<=" => Comparison::AtMost,
        "==" => Comparison::Equal,
        "!=" => Comparison::NotEqual,
        "=" | ">=" => Comparison::AtLeast,
        _ => return None,
    })
}

fn looks_like_operator(word: &str) -> bool {
    let symbol = word.strip_prefix('s').unwrap_or(word);
    symbol.starts_with(['<', '>', '=']) || symbol.starts_with("!=")
}

/// A finite number: what else Rust would read (`nan`, `inf`) compares with nothing an operator can mean.
fn number(text: &str) -> Result<f64, Malformed> {
    finite(text).ok_or_else(|| Malformed::Number(text.to_owned()))
}

fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Yes or no, in the words OpenStack takes.
fn answer(text: &str) -> Option<bool> {
    match text {
        "true" | "t" | "yes" | "y" | "on" | "1" => Some(true),
        "false" | "f" | "no" | "n" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn equals(fact: &Fact<'_>, value: &str) -> bool {
    match fact {
        Fact::Flag(flag) => answer(value) == Some(*flag),
        Fact::Number(number) if number.is_finite() => finite(value) == Some(*number),
        Fact::Text(text) => is_in_lower_case(text.trim(), value),
        Fact::Number(_) | Fact::Unknown => fact.to_string() == value,
    }
}

/// The characters in lower case, without a text made for them: each pool is asked.
fn lowered(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().flat_map(char::to_lowercase)
}

/// Whether a text is this one but for its case.
fn is_in_lower_case(text: &str, value: &str) -> bool {
    if text.is_ascii() { text.eq_ignore_ascii_case(value) } else { lowered(text).eq(value.chars()) }
}

/// Whether a text, in any case, contains one in lower case.
fn contains(text: &str, part: &str) -> bool {
    if text.is_ascii() {
        let (text, part) = (text.as_bytes(), part.as_bytes());
        let Some(first) = part.first() else { return true };
        // Most windows differ in their first byte; comparing that alone is several times as fast.
        let begins = |window: &[u8]| window.first().is_some_and(|byte| byte.eq_ignore_ascii_case(first));
        return text.windows(part.len()).any(|window| begins(window) && window.eq_ignore_ascii_case(part));
    }
    text.to_lowercase().contains(part)
}

fn as_flag(fact: &Fact<'_>) -> Option<bool> {
    match fact {
        Fact::Flag(flag) => Some(*flag),
        Fact::Text(text) => answer(&text.trim().to_lowercase()),
        Fact::Number(_) | Fact::Unknown => None,
    }
}

fn as_number(fact: &Fact<'_>) -> Option<f64> {
    match fact {
        Fact::Number(number) => Some(*number),
        Fact::Text(text) => finite(text.trim()),
        Fact::Flag(_) | Fact::Unknown => None,
    }
}

fn as_text<'a>(fact: &Fact<'a>) -> Option<Cow<'a, str>> {
    match fact {
        Fact::Unknown => None,
        Fact::Text(text) => Some(text.trim().into()),
        Fact::Flag(_) | Fact::Number(_) => Some(fact.to_string().into()),
    }
}

#[cfg(test)]
mod tests;
