//! Where one answer of the LVM shell ends and the next begins.
//!
//! The shell writes one JSON object per command, over many lines, and says neither how long it is nor that it was the
//! last. So its braces are counted, those within strings left out.

/// Most bytes of one answer: a report of some ten thousand volumes.
const MOST_BYTES: usize = 64 << 20;

/// Bytes of an answer, as they come.
#[derive(Debug, Default)]
pub(super) struct Document {
    bytes: Vec<u8>,
    scanned: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

/// The answer is larger than any that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl Document {
    /// Takes more bytes; the whole object when it is complete. What comes before it (a prompt) and after it is
    /// dropped: the shell is silent until it is asked again.
    pub(super) fn take(&mut self, more: &[u8]) -> Result<Option<Vec<u8>>, TooLong> {
        self.bytes.extend_from_slice(more);
        while let Some(&byte) = self.bytes.get(self.scanned) {
            self.scanned += 1;
            if self.depth == 0 {
                if byte == b'{' {
                    self.depth = 1;
                    self.bytes.drain(..self.scanned - 1);
                    self.scanned = 1;
                }
                continue;
            }
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                b'{' if !self.in_string => self.depth += 1,
                b'}' if !self.in_string => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        self.bytes.truncate(self.scanned);
                        return Ok(Some(std::mem::take(self).bytes));
                    }
                }
                _ => {}
            }
        }
        if self.depth == 0 {
            (self.bytes, self.scanned) = (Vec::new(), 0);
        }
        if self.bytes.len() > MOST_BYTES { Err(TooLong) } else { Ok(None) }
    }

    /// Whether an answer has begun and not ended.
    pub(super) fn is_torn(&self) -> bool {
        self.depth > 0
    }
}

#[cfg(test)]
mod tests {
    use super::Document;

    fn check(pieces: &[&str], expected: Option<&str>) {
        let mut document = Document::default();
        let mut got = None;
        for piece in pieces {
            got = document.take(piece.as_bytes()).expect("short");
        }
        assert_eq!(got.as_deref(), expected.map(str::as_bytes), "{pieces:?}");
    }

    #[test]
    fn an_answer_ends_with_its_last_brace() {
        check(&["\n  {\n \"log\": [ {} ]\n  }\n"], Some("{\n \"log\": [ {} ]\n  }"));
        check(&["lvm> {\"a\":", "{}", "}\nlvm> "], Some("{\"a\":{}}"));
        check(&["{\"a\":{}"], None);
        check(&["no object"], None);
    }

    #[test]
    fn braces_and_quotes_in_words_do_not_count() {
        check(&[r#"{"m":"}\"}{", "n":"\\"}"#], Some(r#"{"m":"}\"}{", "n":"\\"}"#));
        check(&["{\"m\":\"\\", "\"}", "\"}"], Some("{\"m\":\"\\\"}\"}"));
    }
}
