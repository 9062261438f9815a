//! Reading a function: recursive descent, one method a precedence, loosest first.
//!
//! The precedences are Cinder's: `or`, `and`, `?:`, comparisons, `not`, `+ -`, `* /`, signs, `^`. Where people read it
//! otherwise than Cinder does, neither reading is taken: parentheses are asked for. Those are `?:` beside `and` or `or`,
//! and `not` before a comparison.

use super::{
    error::Malformed,
    token::{Token, tokens},
    tree::{Call, Node, Order, Part, Sign},
    variable::Variable,
};

/// How deep parentheses, calls and signs may nest.
const MAX_DEPTH: usize = 32;
/// How many parts a function may have, and so the steps of an evaluation.
const MAX_NODES: usize = 256;

/// Reads a text.
pub(super) fn parse(text: &str) -> Result<Node, Malformed> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0, nodes: 0 };
    let root = parser.any()?;
    match parser.peek() {
        Token::End => Ok(root),
        found => Err(parser.wrong(format!("an operator was expected, not {}", shown(found)))),
    }
}

struct Parser {
    tokens: Vec<(u16, Token)>,
    at: usize,
    depth: usize,
    nodes: usize,
}

const END: Token = Token::End;

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&END, |(_, token)| token)
    }

    fn column(&self) -> u16 {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |(column, _)| *column)
    }

    fn wrong(&self, what: impl Into<String>) -> Malformed {
        Malformed::new(self.column(), what)
    }

    fn next(&mut self) -> Token {
        let token = self.tokens.get_mut(self.at).map_or(END, |(_, token)| std::mem::replace(token, END));
        self.at += 1;
        token
    }

    /// Takes the next token if it is one of these signs or words.
    fn take<T: Copy>(&mut self, known: &[(&str, T)]) -> Option<T> {
        let found = match self.peek() {
            Token::Sign(sign) => known.iter().find(|(name, _)| name == sign),
            Token::Word(word) => known.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)),
            Token::Number(_) | Token::Text(_) | Token::End => None,
        }?;
        self.at += 1;
        Some(found.1)
    }

    fn expect(&mut self, sign: &str) -> Result<(), Malformed> {
        match self.take(&[(sign, ())]) {
            Some(()) => Ok(()),
            None => Err(self.wrong(format!("{sign:?} was expected, not {}", shown(self.peek())))),
        }
    }

    fn node(&mut self, column: u16, part: Part) -> Result<Node, Malformed> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Malformed::new(column, format!("it has too many parts: the limit is {MAX_NODES}")));
        }
        Ok(Node { column, part })
    }

    fn deeper(&mut self, read: impl FnOnce(&mut Self) -> Result<Node, Malformed>) -> Result<Node, Malformed> {
        if self.depth == MAX_DEPTH {
            return Err(self.wrong(format!("it nests too deep: the limit is {MAX_DEPTH}")));
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn any(&mut self) -> Result<Node, Malformed> {
        self.logic(&["or", "||"], Self::all, Part::Any)
    }

    fn all(&mut self) -> Result<Node, Malformed> {
        self.logic(&["and", "&&"], Self::choice, Part::All)
    }

    fn logic(
        &mut self,
        words: &[&str],
        operand: fn(&mut Self) -> Result<Node, Malformed>,
        part: fn(Vec<Node>) -> Part,
    ) -> Result<Node, Malformed> {
        let column = self.column();
        let words: Vec<_> = words.iter().map(|word| (*word, ())).collect();
        let began = self.at;
        let first = operand(self)?;
        let mut parts = vec![first];
        let mut bare_choice = parts.iter().any(|one| self.is_bare_choice(began, one));
        while self.take(&words).is_some() {
            let began = self.at;
            let next = operand(self)?;
            bare_choice |= self.is_bare_choice(began, &next);
            parts.push(next);
        }
        match parts.pop() {
            Some(only) if parts.is_empty() => Ok(only),
            Some(_) if bare_choice => Err(Malformed::new(
                column,
                "\"?:\" beside \"and\" or \"or\" can be read in two ways: put it, or its condition, in parentheses",
            )),
            last => {
                parts.extend(last);
                self.node(column, part(parts))
            }
        }
    }

    /// Whether an operand is `a ? b : c` without parentheses around it.
    fn is_bare_choice(&self, began: usize, node: &Node) -> bool {
        let parenthesised = self.tokens.get(began).is_some_and(|(column, _)| *column != node.column);
        matches!(node.part, Part::Choice(_)) && !parenthesised
    }

    /// `a ? b : c ? d : e` is `a ? b : (c ? d : e)`.
    fn choice(&mut self) -> Result<Node, Malformed> {
        let column = self.column();
        let condition = self.comparison()?;
        if self.take(&[("?", ())]).is_none() {
            return Ok(condition);
        }
        let yes = self.deeper(Self::choice)?;
        self.expect(":")?;
        let no = self.deeper(Self::choice)?;
        self.node(column, Part::Choice(Box::new([condition, yes, no])))
    }

    fn comparison(&mut self) -> Result<Node, Malformed> {
        const ORDERS: [(&str, Order); 7] = [
            ("<", Order::Less),
            ("<=", Order::AtMost),
            (">", Order::More),
            (">=", Order::AtLeast),
            ("==", Order::Equal),
            ("!=", Order::Unequal),
            ("<>", Order::Unequal),
        ];
        let column = self.column();
        let word_not = matches!(self.peek(), Token::Word(word) if word.eq_ignore_ascii_case("not"));
        let first = self.negation()?;
        let mut rest = Vec::new();
        while let Some(order) = self.take(&ORDERS) {
            rest.push((order, self.negation()?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        if word_not {
            let what = "\"not\" before a comparison can be read in two ways: put what it denies in parentheses";
            return Err(Malformed::new(column, what));
        }
        self.node(column, Part::Comparison(Box::new(first), rest))
    }

    fn negation(&mut self) -> Result<Node, Malformed> {
        let column = self.column();
        if self.take(&[("not", ()), ("!", ())]).is_none() {
            return self.sum();
        }
        let of = self.deeper(Self::negation)?;
        self.node(column, Part::Not(Box::new(of)))
    }

    fn sum(&mut self) -> Result<Node, Malformed> {
        self.arithmetic(&[("+", Sign::Plus), ("-", Sign::Minus)], Self::product)
    }

    fn product(&mut self) -> Result<Node, Malformed> {
        self.arithmetic(&[("*", Sign::Times), ("/", Sign::Over)], Self::signed)
    }

    fn arithmetic(
        &mut self,
        signs: &[(&str, Sign)],
        operand: fn(&mut Self) -> Result<Node, Malformed>,
    ) -> Result<Node, Malformed> {
        let column = self.column();
        let first = operand(self)?;
        let mut rest = Vec::new();
        while let Some(sign) = self.take(signs) {
            rest.push((sign, operand(self)?));
        }
        if rest.is_empty() { Ok(first) } else { self.node(column, Part::Arithmetic(Box::new(first), rest)) }
    }

    fn signed(&mut self) -> Result<Node, Malformed> {
        let column = self.column();
        match self.take(&[("+", false), ("-", true)]) {
            None => self.power(),
            Some(false) => self.deeper(Self::signed),
            Some(true) => {
                let of = self.deeper(Self::signed)?;
                self.node(column, Part::Negative(Box::new(of)))
            }
        }
    }

    /// From right to left; the exponent may have a sign.
    fn power(&mut self) -> Result<Node, Malformed> {
        let column = self.column();
        let base = self.operand()?;
        if self.take(&[("^", ())]).is_none() {
            return Ok(base);
        }
        let exponent = self.deeper(Self::signed)?;
        self.node(column, Part::Power(Box::new(base), Box::new(exponent)))
    }

    fn operand(&mut self) -> Result<Node, Malformed> {
        let column = self.column();
        match self.next() {
            Token::Number(number) => self.node(column, Part::Number(number)),
            Token::Text(text) => self.node(column, Part::Text(text.into())),
            Token::Word(word) => self.word(column, &word),
            Token::Sign("(") => {
                let inner = self.deeper(Self::any)?;
                self.expect(")")?;
                Ok(inner)
            }
            other => Err(Malformed::new(column, format!("a value was expected, not {}", shown(&other)))),
        }
    }

    fn word(&mut self, column: u16, word: &str) -> Result<Node, Malformed> {
        match word {
            "true" | "True" | "TRUE" => self.node(column, Part::Flag(true)),
            "false" | "False" | "FALSE" => self.node(column, Part::Flag(false)),
            "abs" => self.call(column, Call::Abs, 1),
            "max" => self.call(column, Call::Max, MAX_NODES),
            "min" => self.call(column, Call::Min, MAX_NODES),
            "defined" => {
                self.expect("(")?;
                let variable = self.variable(None)?;
                self.expect(")")?;
                self.node(column, Part::Defined(variable))
            }
            _ => {
                let variable = self.variable(Some((column, word)))?;
                self.node(column, Part::Variable(variable))
            }
        }
    }

    fn call(&mut self, column: u16, call: Call, most: usize) -> Result<Node, Malformed> {
        self.expect("(")?;
        let mut arguments = vec![self.deeper(Self::any)?];
        while arguments.len() < most && self.take(&[(",", ())]).is_some() {
            arguments.push(self.deeper(Self::any)?);
        }
        self.expect(")")?;
        self.node(column, Part::Call(call, arguments))
    }

    /// `scope.name`, or `scope["name"]` for a name with signs in it.
    fn variable(&mut self, word: Option<(u16, &str)>) -> Result<Variable, Malformed> {
        let next;
        let (column, word) = match word {
            Some(word) => word,
            None => {
                let column = self.column();
                next = self.next();
                match &next {
                    Token::Word(word) => (column, word.as_str()),
                    other => return Err(Malformed::new(column, format!("a name was expected, not {}", shown(other)))),
                }
            }
        };
        let at = |what: String| Malformed::new(column, what);
        if self.take(&[("[", ())]).is_some() {
            let Token::Text(name) = self.next() else {
                return Err(at(format!("a quoted name was expected within {word}[...]")));
            };
            self.expect("]")?;
            return Variable::find(word, &name).map_err(at);
        }
        match word.split_once('.') {
            Some((scope, name)) => Variable::find(scope, name).map_err(at),
            None => Err(at(format!("{word:?} is no name; a text stands in quotes: '{word}'"))),
        }
    }
}

/// A token, for people.
fn shown(token: &Token) -> String {
    match token {
        Token::Number(number) => format!("{number}"),
        Token::Text(_) => "a text".to_owned(),
        Token::Word(word) => format!("{word:?}"),
        Token::Sign(sign) => format!("{sign:?}"),
        Token::End => "the end".to_owned(),
    }
}
