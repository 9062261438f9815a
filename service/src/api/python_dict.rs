//! The `metadata` filter: clients print a Python dictionary into the query, `{'key': 'value'}`.

use super::error::ApiError;

/// Reads such a dictionary of texts, in Python's quotes or in JSON's.
///
/// # Errors
/// 400.
pub(crate) fn parse(text: &str) -> Result<Vec<(String, String)>, ApiError> {
    Reader(text).dictionary().ok_or_else(|| {
        ApiError::bad_request("metadata must be a dictionary of texts such as {'key': 'value'}, percent-encoded")
    })
}

struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn dictionary(mut self) -> Option<Vec<(String, String)>> {
        let mut entries = Vec::new();
        self.expect("{")?;
        while self.expect("}").is_none() {
            let key = self.text()?;
            self.expect(":")?;
            entries.push((key, self.text()?));
            if self.expect(",").is_none() {
                self.expect("}")?;
                break;
            }
        }
        self.0.trim().is_empty().then_some(entries)
    }

    fn expect(&mut self, token: &str) -> Option<()> {
        self.0 = self.0.trim_start().strip_prefix(token)?;
        Some(())
    }

    fn text(&mut self) -> Option<String> {
        // Python 2 marked its texts with a u.
        let rest = self.0.trim_start();
        let rest = rest.strip_prefix('u').unwrap_or(rest);
        let quote = rest.chars().next().filter(|quote| "'\"".contains(*quote))?;
        let mut text = String::new();
        let mut characters = rest.char_indices().skip(1);
        while let Some((index, character)) = characters.next() {
            match character {
                '\\' => match characters.next()?.1 {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    plain @ ('\\' | '\'' | '"') => text.push(plain),
                    _ => return None,
                },
                end if end == quote => {
                    self.0 = &rest[index + 1..];
                    return Some(text);
                }
                other => text.push(other),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn check(text: &str, expected: Option<&[(&str, &str)]>) {
        let expected = expected.map(|entries| {
            entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
        });
        assert_eq!(parse(text).ok(), expected, "{text}");
    }

    #[test]
    fn python_and_json_are_read() {
        check("{}", Some(&[]));
        check("{'k': 'v'}", Some(&[("k", "v")]));
        check("{\"k\": \"it's\", u'l':'m',}", Some(&[("k", "it's"), ("l", "m")]));
        check(r"{'k': 'it\'s \\ é'}", Some(&[("k", r"it's \ é")]));
    }

    #[test]
    fn what_is_no_dictionary_of_texts_is_refused() {
        for bad in [
            "",
            "{",
            "{'k'}",
            "{'k': 1}",
            "{'k': 'v'} x",
            "{'k': 'v",
            "['k']",
            "{'k': __import__('os')}",
            r"{'\x00': 'v'}",
        ] {
            check(bad, None);
        }
    }
}
