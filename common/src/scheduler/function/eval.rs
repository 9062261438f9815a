//! The value of a function for one pool and one volume.

use std::fmt;

use super::{
    tree::{Call, Function, Node, Order, Part, Sign},
    value::Value,
    variable::Given,
};

/// Why a function has no value, and at which column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scheduler) struct Trouble {
    column: u16,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    NoValue,
    TextNotNumber,
    TextBesideNumber,
    ByZero,
    NotFinite,
}

/// The value.
pub(in crate::scheduler) fn evaluate<'a>(function: &'a Function, given: Given<'a>) -> Result<Value<'a>, Trouble> {
    value(&function.root, given)
}

/// As deep as the tree, which the parser bounds.
fn value<'a>(node: &'a Node, given: Given<'a>) -> Result<Value<'a>, Trouble> {
    let trouble = |what| Trouble { column: node.column, what };
    match &node.part {
        Part::Number(number) => Ok(Value::Number(*number)),
        Part::Flag(flag) => Ok(Value::Flag(*flag)),
        Part::Text(text) => Ok(Value::Text(text)),
        Part::Variable(variable) => variable.value(given).ok_or(trouble(What::NoValue)),
        Part::Defined(variable) => Ok(Value::Flag(variable.value(given).is_some())),
        Part::Negative(of) => Ok(Value::Number(-number(of, given)?)),
        Part::Not(of) => Ok(Value::Flag(!value(of, given)?.holds())),
        Part::Power(base, exponent) => {
            finite(number(base, given)?.powf(number(exponent, given)?)).ok_or(trouble(What::NotFinite))
        }
        Part::Arithmetic(first, rest) => arithmetic(first, rest, given),
        Part::Comparison(first, rest) => comparison(first, rest, given),
        Part::All(parts) => decisive(parts, given, false),
        Part::Any(parts) => decisive(parts, given, true),
        Part::Choice(choice) => {
            let [condition, yes, no] = choice.as_ref();
            value(if value(condition, given)?.holds() { yes } else { no }, given)
        }
        Part::Call(call, arguments) => called(*call, arguments, given).ok_or(trouble(What::NotFinite))?,
    }
}

fn number(node: &Node, given: Given<'_>) -> Result<f64, Trouble> {
    value(node, given)?.number().ok_or(Trouble { column: node.column, what: What::TextNotNumber })
}

/// What has no limit is infinite, and may be added to and compared; `inf - inf` and the like are nothing.
fn finite<'a>(number: f64) -> Option<Value<'a>> {
    number.is_finite().then_some(Value::Number(number))
}

fn arithmetic<'a>(first: &Node, rest: &[(Sign, Node)], given: Given<'_>) -> Result<Value<'a>, Trouble> {
    let mut result = number(first, given)?;
    for (sign, node) in rest {
        let trouble = |what| Trouble { column: node.column, what };
        let operand = number(node, given)?;
        let limitless = result.is_infinite() || operand.is_infinite();
        result = match sign {
            Sign::Plus => result + operand,
            Sign::Minus => result - operand,
            Sign::Times => result * operand,
            Sign::Over if operand == 0.0 => return Err(trouble(What::ByZero)),
            Sign::Over => result / operand,
        };
        if result.is_nan() || (result.is_infinite() && !limitless) {
            return Err(trouble(What::NotFinite));
        }
    }
    Ok(Value::Number(result))
}

fn comparison<'a>(first: &'a Node, rest: &'a [(Order, Node)], given: Given<'a>) -> Result<Value<'a>, Trouble> {
    let mut left = value(first, given)?;
    for (order, node) in rest {
        let right = value(node, given)?;
        let standing = || left.order(right).ok_or(Trouble { column: node.column, what: What::TextBesideNumber });
        let holds = match order {
            Order::Equal => left.same(right),
            Order::Unequal => !left.same(right),
            Order::Less => standing()?.is_lt(),
            Order::AtMost => standing()?.is_le(),
            Order::More => standing()?.is_gt(),
            Order::AtLeast => standing()?.is_ge(),
        };
        if !holds {
            return Ok(Value::Flag(false));
        }
        left = right;
    }
    Ok(Value::Flag(true))
}

/// The first value that decides the chain, or the last one, as in Python; what follows is not looked at.
fn decisive<'a>(parts: &'a [Node], given: Given<'a>, decides: bool) -> Result<Value<'a>, Trouble> {
    let mut last = Value::Flag(!decides);
    for part in parts {
        last = value(part, given)?;
        if last.holds() == decides {
            break;
        }
    }
    Ok(last)
}

/// `None` if there are no arguments, which the parser refuses.
fn called<'a>(call: Call, arguments: &[Node], given: Given<'_>) -> Option<Result<Value<'a>, Trouble>> {
    let mut result: Option<f64> = None;
    for argument in arguments {
        let next = match number(argument, given) {
            Ok(next) => next,
            Err(trouble) => return Some(Err(trouble)),
        };
        result = Some(match (call, result) {
            (Call::Abs, _) => next.abs(),
            (Call::Max, Some(most)) => most.max(next),
            (Call::Min, Some(least)) => least.min(next),
            (Call::Max | Call::Min, None) => next,
        });
    }
    result.map(|number| Ok(Value::Number(number)))
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            What::NoValue => "this has no value here; defined(...) tells whether it has one",
            What::TextNotNumber => "this is a text, where a number is needed",
            What::TextBesideNumber => "a text and a number cannot be ordered",
            What::ByZero => "division by zero",
            What::NotFinite => "the result is not a number",
        };
        write!(f, "column {}: {what}", self.column)
    }
}
