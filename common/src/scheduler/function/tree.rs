//! A function that was read.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{error::Malformed, parse, variable::Variable};

/// An expression over a pool and a volume. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Function {
    text: Arc<str>,
    pub(super) root: Arc<Node>,
}

/// What a pool's report says in place of a function: one, or a text that is none.
pub type Parsed = Result<Function, Malformed>;

impl Function {
    /// As it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl FromStr for Function {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        Ok(Self { text: text.into(), root: Arc::new(parse::parse(text)?) })
    }
}

impl TryFrom<String> for Function {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        text.parse()
    }
}

impl From<Function> for String {
    fn from(function: Function) -> Self {
        function.text.as_ref().to_owned()
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A part of an expression, and the column it stands at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) column: u16,
    pub(super) part: Part,
}

/// Chains hold all operands of one precedence, so that a long sum is not a deep tree.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Number(f64),
    Flag(bool),
    Text(Box<str>),
    Variable(Variable),
    /// `defined(x)`: whether the variable has a value.
    Defined(Variable),
    Negative(Box<Node>),
    Not(Box<Node>),
    Power(Box<Node>, Box<Node>),
    /// `+`, `-`, `*`, `/`, from left to right.
    Arithmetic(Box<Node>, Vec<(Sign, Node)>),
    /// `a < b < c`: each holds.
    Comparison(Box<Node>, Vec<(Order, Node)>),
    All(Vec<Node>),
    Any(Vec<Node>),
    Choice(Box<[Node; 3]>),
    Call(Call, Vec<Node>),
}

/// An arithmetic operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Plus,
    Minus,
    Times,
    Over,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Less,
    AtMost,
    More,
    AtLeast,
    Equal,
    Unequal,
}

/// A function of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Abs,
    Max,
    Min,
}
