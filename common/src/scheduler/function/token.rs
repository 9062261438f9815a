//! Words, numbers, texts and signs of a function.

use super::error::Malformed;

/// The longest function, in bytes; so a column fits in 16 bits.
const MAX_LENGTH: usize = 2048;

/// Signs, the longer ones first: `<=` is not `<` and `=`.
const SIGNS: [&str; 21] =
    ["&&", "||", "<=", ">=", "==", "!=", "<>", "<", ">", "!", "+", "-", "*", "/", "^", "?", ":", "(", ")", ",", "["];

/// One word of a function.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A number, without sign.
    Number(f64),
    /// What stood between quotes.
    Text(String),
    /// A word, dots included.
    Word(String),
    /// One of the signs.
    Sign(&'static str),
    /// The end.
    End,
}

/// The tokens, each with its column; the last is [`Token::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<(u16, Token)>, Malformed> {
    if text.len() > MAX_LENGTH {
        return Err(Malformed::new(1, format!("it has {} bytes, and the limit is {MAX_LENGTH}", text.len())));
    }
    let mut found = Vec::new();
    let (mut rest, mut column) = (text, 1);
    loop {
        let trimmed = rest.trim_start();
        column += width(&rest[..rest.len() - trimmed.len()]);
        rest = trimmed;
        if rest.is_empty() {
            found.push((column, Token::End));
            return Ok(found);
        }
        let (token, length) = next(rest).map_err(|what| Malformed::new(column, what))?;
        found.push((column, token));
        column += width(&rest[..length]);
        rest = &rest[length..];
    }
}

/// Characters of a part of a text whose length was checked.
fn width(text: &str) -> u16 {
    u16::try_from(text.chars().count()).unwrap_or(u16::MAX)
}

/// The first token, and its bytes.
fn next(rest: &str) -> Result<(Token, usize), String> {
    let Some(first) = rest.chars().next() else { return Ok((Token::End, 0)) };
    match first {
        '0'..='9' | '.' => number(rest),
        '"' | '\'' => quoted(rest, first),
        'a'..='z' | 'A'..='Z' | '_' => {
            let word = head(rest, |letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '.');
            Ok((Token::Word(word.to_owned()), word.len()))
        }
        ']' => Ok((Token::Sign("]"), 1)),
        _ => match SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            Some(sign) => Ok((Token::Sign(sign), sign.len())),
            None if first == '=' => Err("there is no operator \"=\": compare with \"==\"".to_owned()),
            None if first == '&' || first == '|' => {
                Err(format!("there is no operator \"{first}\": write \"and\" or \"or\""))
            }
            None => Err(format!("{first:?} has no meaning here")),
        },
    }
}

fn head(rest: &str, belongs: impl Fn(char) -> bool) -> &str {
    &rest[..rest.find(|letter| !belongs(letter)).unwrap_or(rest.len())]
}

fn number(rest: &str) -> Result<(Token, usize), String> {
    let digits = head(rest, |letter| letter.is_ascii_alphanumeric() || letter == '.');
    match digits.parse::<f64>() {
        Ok(number) if number.is_finite() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
            Ok((Token::Number(number), digits.len()))
        }
        _ => Err(format!("{:?} is not a number", head(digits, |letter| letter != ' '))),
    }
}

fn quoted(rest: &str, quote: char) -> Result<(Token, usize), String> {
    match rest[1..].split_once(quote) {
        Some((text, _)) => Ok((Token::Text(text.to_owned()), text.len() + 2)),
        None => Err(format!("the text that begins here has no closing {quote}")),
    }
}
