//! What becomes of the bytes in a program's pipes.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest line that a line callback gets; what is beyond is left out.
const LINE_BYTES: usize = 4096;
/// How much of standard error is kept: the last of it, where the reason stands.
const TAIL_BYTES: usize = 4096;

/// Takes bytes as they come.
pub(super) trait Sink {
    fn take(&mut self, bytes: &[u8]);
}

/// Called with each line of standard output.
pub(super) type OnLine = Box<dyn FnMut(&str) + Send>;

/// Standard output: kept up to a limit, or split into lines for a callback.
pub(super) enum Stdout {
    Kept { bytes: Vec<u8>, limit: usize, overflowed: bool },
    Lines { line: Vec<u8>, on_line: OnLine },
}

impl Stdout {
    pub(super) fn kept(limit: usize) -> Self {
        Self::Kept { bytes: Vec::new(), limit, overflowed: false }
    }

    pub(super) fn lines(on_line: OnLine) -> Self {
        Self::Lines { line: Vec::new(), on_line }
    }
}

impl Sink for Stdout {
    fn take(&mut self, new: &[u8]) {
        match self {
            Self::Kept { bytes, limit, overflowed } => {
                let room = limit.saturating_sub(bytes.len()).min(new.len());
                bytes.extend_from_slice(&new[..room]);
                *overflowed |= room < new.len();
            }
            Self::Lines { line, on_line } => {
                for byte in new {
                    // Progress meters go back to the start of the line instead of starting a new one.
                    if matches!(byte, b'\n' | b'\r') {
                        on_line(&String::from_utf8_lossy(line));
                        line.clear();
                    } else if line.len() < LINE_BYTES {
                        line.push(*byte);
                    }
                }
            }
        }
    }
}

/// Standard error: the last of it.
#[derive(Debug, Default)]
pub(super) struct Tail(Vec<u8>);

impl Tail {
    /// The last of it, in text, without the white space around it.
    pub(super) fn text(&self) -> String {
        let start = self.0.len().saturating_sub(TAIL_BYTES);
        String::from_utf8_lossy(&self.0[start..]).trim().to_owned()
    }

    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        let start = self.0.len().saturating_sub(TAIL_BYTES);
        self.0.drain(..start);
        self.0
    }
}

impl Sink for Tail {
    fn take(&mut self, new: &[u8]) {
        self.0.extend_from_slice(new);
        // Cut only now and then, so that a talkative program does not make us move bytes at each read.
        if self.0.len() > 32 * TAIL_BYTES {
            self.0.drain(..self.0.len() - TAIL_BYTES);
        }
    }
}

/// Reads to the end, so that the program never waits for us.
pub(super) async fn drain(pipe: Option<impl AsyncRead + Unpin>, sink: &mut impl Sink) {
    let Some(mut pipe) = pipe else { return };
    let mut buffer = vec![0; 16 * 1024];
    // A pipe cannot fail in a way that differs from its end.
    while let Ok(read @ 1..) = pipe.read(&mut buffer).await {
        sink.take(&buffer[..read]);
    }
}

/// Writes all of it, then closes the pipe. A program that does not want it all is free to close its end.
pub(super) async fn feed(pipe: Option<impl AsyncWrite + Unpin>, bytes: Vec<u8>) {
    if let Some(mut pipe) = pipe {
        let _closed_early = pipe.write_all(&bytes).await;
    }
}
