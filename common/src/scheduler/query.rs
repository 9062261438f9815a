//! JSON queries over a pool: the hint `query`, as Cinder's JsonFilter reads it.
//!
//! `["and", [">=", "$free_capacity_gb", 10], ["=", "$volume_backend_name", "ssd"]]`: the first element is the operator,
//! `$name` and `$capabilities.name` stand for what the pool says of itself. A query is read once, when it is asked;
//! what it names and does not exist is refused there, where Cinder would let every pool fall.

use serde_json::Value;

use super::{
    fact::{Fact, FactName},
    pool::PoolView,
};

/// How deep a query may nest.
const MAX_DEPTH: usize = 16;
/// How many elements it may have in all.
const MAX_ELEMENTS: usize = 256;
/// How long its text may be, in bytes.
const MAX_LENGTH: usize = 4096;

/// A query.
#[derive(Clone, Debug, PartialEq)]
pub struct Query(Option<Term>);

/// A text that is no query, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoQuery(String);

#[derive(Clone, Debug, PartialEq)]
enum Term {
    Pool(FactName),
    Value(Value),
    Test(Operator, Vec<Term>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    Less,
    More,
    AtMost,
    AtLeast,
    In,
    Not,
    Or,
    And,
}

/// A term's value for one pool.
#[derive(Clone, Copy, Debug)]
enum Met<'a> {
    Fact(Fact<'a>),
    Value(&'a Value),
}

impl Query {
    /// Of a text that holds JSON.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, NoQuery> {
        if text.len() > MAX_LENGTH {
            return Err(NoQuery(format!("it has {} bytes, and the limit is {MAX_LENGTH}", text.len())));
        }
        let value = serde_json::from_str(text).map_err(|error| NoQuery(format!("it is not JSON: {error}")))?;
        Self::of(&value)
    }

    /// Of JSON.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of(value: &Value) -> Result<Self, NoQuery> {
        match value {
            Value::Null => Ok(Self(None)),
            Value::Array(elements) if elements.is_empty() => Ok(Self(None)),
            Value::Array(elements) => Ok(Self(Some(test(elements, 0, &mut 0)?))),
            _ => Err(NoQuery("it must be a list such as [\">=\", \"$free_capacity_gb\", 10]".to_owned())),
        }
    }

    /// Whether it holds of a pool.
    pub(super) fn holds(&self, pool: &PoolView) -> bool {
        self.0.as_ref().is_none_or(|term| term.holds(pool))
    }
}

fn test(elements: &[Value], depth: usize, count: &mut usize) -> Result<Term, NoQuery> {
    *count += elements.len();
    if depth == MAX_DEPTH || *count > MAX_ELEMENTS {
        let limits = format!("the limits are {MAX_ELEMENTS} elements and {MAX_DEPTH} levels");
        return Err(NoQuery(format!("it is too large: {limits}")));
    }
    let Some((operator, operands)) = elements.split_first() else {
        return Err(NoQuery("a list within it is empty".to_owned()));
    };
    let operator = match operator.as_str() {
        Some("=") => Operator::Equal,
        Some("<") => Operator::Less,
        Some(">") => Operator::More,
        Some("<=") => Operator::AtMost,
        Some(">=") => Operator::AtLeast,
        Some("in") => Operator::In,
        Some("not") => Operator::Not,
        Some("or") => Operator::Or,
        Some("and") => Operator::And,
        _ => {
            let shown: String = operator.to_string().chars().take(60).collect();
            return Err(NoQuery(format!("{shown} is no operator: known are = < > <= >= in not or and")));
        }
    };
    let logical = matches!(operator, Operator::Not | Operator::Or | Operator::And);
    let least = if logical { 1 } else { 2 };
    if operands.len() < least {
        return Err(NoQuery(format!("an operator has {} operands, and needs {least}", operands.len())));
    }
    let terms = operands.iter().map(|operand| match operand {
        Value::Array(elements) => test(elements, depth + 1, count),
        Value::String(text) => match text.strip_prefix('$') {
            Some(name) => variable(name),
            None => Ok(Term::Value(operand.clone())),
        },
        Value::Bool(_) | Value::Number(_) => Ok(Term::Value(operand.clone())),
        Value::Null | Value::Object(_) => Err(NoQuery("an operand is neither list, text, number nor flag".to_owned())),
    });
    Ok(Term::Test(operator, terms.collect::<Result<_, _>>()?))
}

fn variable(name: &str) -> Result<Term, NoQuery> {
    let plain = name.strip_prefix("capabilities.").unwrap_or(name);
    FactName::find(plain).map(Term::Pool).ok_or_else(|| {
        let shown: String = name.chars().take(60).collect();
        NoQuery(format!("pools report no \"${shown}\"; they report {}", FactName::list()))
    })
}

impl Term {
    fn holds(&self, pool: &PoolView) -> bool {
        match self {
            Self::Test(operator, terms) => operator.holds(terms, pool),
            Self::Pool(_) | Self::Value(_) => match self.met(pool) {
                Met::Fact(Fact::Flag(flag)) => flag,
                Met::Value(Value::Bool(flag)) => *flag,
                Met::Fact(Fact::Number(number)) => number != 0.0,
                Met::Value(Value::Number(number)) => number.as_f64() != Some(0.0),
                Met::Fact(Fact::Unknown) => false,
                Met::Fact(Fact::Text(text)) => !text.is_empty(),
                Met::Value(value) => value.as_str().is_some_and(|text| !text.is_empty()),
            },
        }
    }

    fn met<'a>(&'a self, pool: &'a PoolView) -> Met<'a> {
        match self {
            Self::Pool(name) => Met::Fact(Fact::of(pool, *name)),
            Self::Value(value) => Met::Value(value),
            Self::Test(..) => Met::Fact(Fact::Flag(self.holds(pool))),
        }
    }
}

impl Operator {
    fn holds(self, terms: &[Term], pool: &PoolView) -> bool {
        match self {
            Self::Not => terms.iter().any(|term| !term.holds(pool)),
            Self::Or => terms.iter().any(|term| term.holds(pool)),
            Self::And => terms.iter().all(|term| term.holds(pool)),
            Self::In | Self::Equal | Self::Less | Self::More | Self::AtMost | Self::AtLeast => {
                let Some((first, rest)) = terms.split_first() else { return false };
                let first = first.met(pool);
                let mut others = rest.iter().map(|term| term.met(pool));
                match self {
                    Self::In => others.any(|other| first.same(other)),
                    Self::Equal => others.all(|other| first.same(other)),
                    Self::Less => others.all(|other| first.order(other).is_some_and(std::cmp::Ordering::is_lt)),
                    Self::More => others.all(|other| first.order(other).is_some_and(std::cmp::Ordering::is_gt)),
                    Self::AtMost => others.all(|other| first.order(other).is_some_and(std::cmp::Ordering::is_le)),
                    _ => others.all(|other| first.order(other).is_some_and(std::cmp::Ordering::is_ge)),
                }
            }
        }
    }
}

impl<'a> Met<'a> {
    fn number(self) -> Option<f64> {
        match self {
            Self::Fact(Fact::Number(number)) => Some(number),
            Self::Value(value) => value.as_f64(),
            Self::Fact(_) => None,
        }
    }

    fn flag(self) -> Option<bool> {
        match self {
            Self::Fact(Fact::Flag(flag)) => Some(flag),
            Self::Value(value) => value.as_bool(),
            Self::Fact(_) => None,
        }
    }

    /// `unknown` and `infinite` are the words for what is no number.
    fn text(self) -> Option<&'a str> {
        match self {
            Self::Fact(Fact::Text(text)) => Some(text),
            Self::Fact(Fact::Unknown) => Some("unknown"),
            Self::Fact(Fact::Number(number)) if number.is_infinite() => Some("infinite"),
            Self::Fact(_) => None,
            Self::Value(value) => value.as_str(),
        }
    }

    fn same(self, other: Self) -> bool {
        let numbers = self.number().zip(other.number()).is_some_and(|(a, b)| a == b);
        let flags = self.flag().zip(other.flag()).is_some_and(|(a, b)| a == b);
        numbers || flags || self.text().zip(other.text()).is_some_and(|(a, b)| a == b)
    }

    fn order(self, other: Self) -> Option<std::cmp::Ordering> {
        match (self.number(), other.number()) {
            (Some(a), Some(b)) => a.partial_cmp(&b),
            // What is unknown is neither less nor more than a word.
            _ if matches!(self, Self::Fact(Fact::Unknown)) || matches!(other, Self::Fact(Fact::Unknown)) => None,
            _ => Some(self.text()?.cmp(other.text()?)),
        }
    }
}

#[cfg(test)]
mod tests;
