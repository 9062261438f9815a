//! The one place that prints: the commands' answers are their purpose.

use std::io::{self, Write};

/// Writes `text` to standard output; styles are dropped where the reader is not a terminal.
///
/// A reader that went away (`| head`) is not an error: it has seen what it wanted.
pub fn print(text: &str) {
    let mut out = anstream::stdout().lock();
    let _reader_gone = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes `bytes` to standard output exactly as they are, for readers that are programs.
///
/// # Errors
/// What the operating system said, other than that the reader went away.
pub fn print_exact(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// Writes `text` to standard error: progress and complaints, never an answer.
pub fn complain(text: &str) {
    let mut out = anstream::stderr().lock();
    let _nobody_listens = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
