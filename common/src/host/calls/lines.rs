//! Lines out of bytes, of bounded length.

/// A line that is longer than the reader holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a line of more than {0} bytes")]
pub struct TooLong(pub usize);

/// Bytes that have come and do not yet end a line.
#[derive(Debug)]
pub struct LineBuffer {
    begun: Vec<u8>,
    limit: usize,
}

impl LineBuffer {
    /// Holds lines of at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { begun: Vec::new(), limit }
    }

    /// The lines that these bytes end, without their line feeds. What came before a line that is too long is still given.
    pub fn push(&mut self, mut bytes: &[u8]) -> (Vec<Vec<u8>>, Option<TooLong>) {
        let mut lines = Vec::new();
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            if self.begun.len() + end > self.limit {
                return (lines, Some(TooLong(self.limit)));
            }
            self.begun.extend_from_slice(&bytes[..end]);
            lines.push(std::mem::take(&mut self.begun));
            bytes = &bytes[end + 1..];
        }
        if self.begun.len() + bytes.len() > self.limit {
            return (lines, Some(TooLong(self.limit)));
        }
        self.begun.extend_from_slice(bytes);
        (lines, None)
    }

    /// What has come of a line without an end.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        &self.begun
    }
}

#[cfg(test)]
mod tests {
    use super::{LineBuffer, TooLong};

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        let text = b"one\n\nthree\nfo";
        for cut in 0..text.len() {
            let mut buffer = LineBuffer::new(5);
            let mut lines = buffer.push(&text[..cut]).0;
            let (more, long) = buffer.push(&text[cut..]);
            lines.extend(more);
            assert_eq!((lines, long), (vec![b"one".to_vec(), vec![], b"three".to_vec()], None), "cut at {cut}");
            assert_eq!(buffer.rest(), b"fo");
        }
    }

    #[test]
    fn a_line_without_end_is_not_held() {
        let mut buffer = LineBuffer::new(3);
        assert_eq!(buffer.push(b"ok\nfour").1, Some(TooLong(3)));
        let mut buffer = LineBuffer::new(3);
        assert_eq!(buffer.push(b"ok\nfour\n"), (vec![b"ok".to_vec()], Some(TooLong(3))));
        let mut buffer = LineBuffer::new(3);
        assert_eq!(buffer.push(b"123"), (vec![], None));
        assert_eq!(buffer.push(b"4"), (vec![], Some(TooLong(3))));
    }
}
