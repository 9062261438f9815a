//! The keeper's end of a serial line, which sends no more than the other end can hold.
//!
//! A terminal's driver keeps 4 KiB that nobody has read yet and drops what comes besides: of 5 MB that were sent at once, some
//! were lost. So the agent tells what it has read ([`Kind::Read`]), and no more than [`WINDOW`] is ever on its way.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    sync::{Condvar, Mutex, PoisonError},
    time::Duration,
};

use super::{
    frame::{Frame, Kind},
    machine::lock,
};

const WINDOW: usize = 3 << 10;
const PIECE: usize = 1 << 10;
/// An agent that reads nothing for so long is stuck.
const LIMIT: Duration = Duration::from_secs(60);

/// Sends frames, one after another, whoever asks for it.
#[derive(Debug)]
pub(super) struct Line {
    stream: Mutex<UnixStream>,
    on_its_way: Mutex<usize>,
    read: Condvar,
}

impl Line {
    pub(super) fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_write_timeout(Some(LIMIT))?;
        Ok(Self { stream: Mutex::new(stream), on_its_way: Mutex::new(0), read: Condvar::new() })
    }

    pub(super) fn send(&self, frame: &Frame) -> io::Result<()> {
        let bytes = frame.bytes()?;
        let mut stream = lock(&self.stream);
        for piece in bytes.chunks(PIECE) {
            let full = |on_its_way: &mut usize| *on_its_way + piece.len() > WINDOW;
            let waited = self.read.wait_timeout_while(lock(&self.on_its_way), LIMIT, full);
            let (mut on_its_way, late) = waited.unwrap_or_else(PoisonError::into_inner);
            if late.timed_out() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            *on_its_way += piece.len();
            drop(on_its_way);
            stream.write_all(piece)?;
        }
        Ok(())
    }

    /// The agent read what `frame` says.
    pub(super) fn was_read(&self, frame: &Frame) {
        let bytes = frame.payload.as_slice().try_into().map_or(0, u32::from_le_bytes);
        let mut on_its_way = lock(&self.on_its_way);
        *on_its_way = on_its_way.saturating_sub(bytes as usize);
        self.read.notify_all();
    }
}

/// The agent's end: says what it has read.
pub(super) struct Telling<'l> {
    pub(super) from: File,
    pub(super) to: &'l Mutex<File>,
}

impl Read for Telling<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        let told = u32::try_from(read).unwrap_or(u32::MAX).to_le_bytes();
        Frame::new(Kind::Read, 0, told).write(&mut *lock(self.to))?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Read, os::unix::net::UnixStream, thread};

    use super::{Line, PIECE, WINDOW};
    use crate::machine::frame::{Frame, Kind};

    #[test]
    fn no_more_is_sent_than_was_read_and_the_window() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let line = Line::new(ours).unwrap();
        let frame = Frame::new(Kind::Input, 1, vec![7; 3 * WINDOW]);
        let total = frame.bytes().unwrap().len();
        thread::scope(|scope| {
            scope.spawn(|| line.send(&frame).unwrap());
            let mut got = 0;
            while got < total {
                let mut buffer = vec![0; 2 * WINDOW];
                let read = theirs.read(&mut buffer).unwrap();
                assert!(read <= WINDOW, "{read}");
                got += read;
                let told = u32::try_from(read).unwrap().to_le_bytes();
                line.was_read(&Frame::new(Kind::Read, 0, told));
            }
            assert!(PIECE <= WINDOW && got == total);
        });
    }
}
