//! A machine that runs: its line, its console, its end.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, BufRead, BufReader},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    frame::{CHUNK, Frame, HELLO, Kind},
    line::Line,
};
use crate::{
    error::{Error, Result},
    folder::Folder,
    process,
    program::{Staying, tail_of},
};

/// A boot takes a second; on a host whose processors are busy it takes longer.
const BOOT_LIMIT: Duration = Duration::from_secs(90);
const KILL_LIMIT: Duration = Duration::from_secs(30);
/// Between two looks whether a machine that boots has died.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Frames of one channel that wait for who reads them.
const QUEUE: usize = 64;
/// Of the noise before the agent speaks.
const MOST_NOISE: usize = 1 << 20;

type Channels = HashMap<u32, mpsc::SyncSender<Frame>>;

/// It ends with this process, however that ends, and with the value.
#[derive(Debug)]
pub(super) struct Machine {
    folder: Folder,
    console: PathBuf,
    running: Staying,
    line: Arc<Line>,
    shared: Arc<Shared>,
    next: AtomicU32,
}

#[derive(Debug)]
struct Shared {
    /// `None` before the agent speaks.
    heard: Mutex<Option<Instant>>,
    /// `None` once the machine is dead.
    channels: Mutex<Option<Channels>>,
}

/// So many programs wear a machine out.
const WORN: u32 = 32;

impl Machine {
    /// Listens to one that was started.
    pub(super) fn begin(folder: Folder, console: PathBuf, running: Staying, line: UnixStream) -> Result<Self> {
        let listened = || Error::io("cannot listen to a machine");
        let heard = line.try_clone().map_err(listened())?;
        let shared = Arc::new(Shared { heard: Mutex::default(), channels: Mutex::new(Some(Channels::new())) });
        let (line, next) = (Arc::new(Line::new(line).map_err(listened())?), AtomicU32::new(1));
        let machine = Self { folder, console, running, line: Arc::clone(&line), shared: Arc::clone(&shared), next };
        let listen = move || {
            let _why_is_on_the_console = shared.listen(heard, &line);
            *lock(&shared.channels) = None;
        };
        thread::Builder::new().name("lab-line".to_owned()).spawn(listen).map_err(listened())?;
        Ok(machine)
    }

    pub(super) fn wait_for_agent(&self) -> Result<()> {
        let deadline = Instant::now() + BOOT_LIMIT;
        while lock(&self.shared.heard).is_none() {
            if self.running.ended_within(LOOK_AGAIN) || self.is_dead() {
                // The rest of what it says.
                let _ended = self.running.ended_within(BOOT_LIMIT);
                return Err(self.lost("ended at its start"));
            }
            if Instant::now() > deadline {
                return Err(self.lost(&format!("did not start within {} s", BOOT_LIMIT.as_secs())));
            }
        }
        Ok(())
    }

    /// A channel for a new program.
    pub(super) fn open(&self) -> Result<(u32, mpsc::Receiver<Frame>)> {
        let channel = self.next.fetch_add(1, Ordering::Relaxed);
        let (give, given) = mpsc::sync_channel(QUEUE);
        match lock(&self.shared.channels).as_mut() {
            Some(channels) => channels.insert(channel, give),
            None => return Err(self.lost("is dead")),
        };
        Ok((channel, given))
    }

    pub(super) fn send(&self, frame: &Frame) -> Result<()> {
        self.line.send(frame).map_err(|_| self.lost("does not listen"))
    }

    /// How long nothing was heard of it.
    pub(super) fn silence(&self) -> Duration {
        lock(&self.shared.heard).map_or(Duration::ZERO, |heard| heard.elapsed())
    }

    /// Whether it runs nothing, and ran so much that one that is booted anew is quicker: after an hour
    /// of tests cases were seen to take up to half as long again. Scattered memory is suspected, not proven.
    pub(super) fn is_worn(&self) -> bool {
        let idle = lock(&self.shared.channels).as_ref().is_some_and(Channels::is_empty);
        idle && self.next.load(Ordering::Relaxed) > WORN
    }

    pub(super) fn is_dead(&self) -> bool {
        lock(&self.shared.channels).is_none()
    }

    /// An error that says so, with the end of what its kernel said.
    pub(super) fn lost(&self, what: &str) -> Error {
        let console = File::open(&self.console).map_or_else(|error| error.to_string(), |mut file| tail_of(&mut file));
        Error::Machine { what: what.to_owned(), console }
    }

    /// Ends all its processes.
    pub(super) fn kill(&self) -> Result<()> {
        *lock(&self.shared.channels) = None;
        process::kill_all(self.folder.path(), KILL_LIMIT)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _found_by_the_next = self.kill();
        // For who wants to know why it ended; the last one only.
        let kept = self.folder.path().with_file_name("last-console");
        let _is_gone = fs::copy(&self.console, kept);
        let _found_by_the_next = self.folder.remove();
    }
}

impl Shared {
    fn listen(&self, from: UnixStream, line: &Line) -> io::Result<()> {
        let mut from = BufReader::with_capacity(4 * CHUNK, from);
        skip_noise(&mut from)?;
        loop {
            *lock(&self.heard) = Some(Instant::now());
            let frame = Frame::read(&mut from)?;
            match frame.kind {
                Kind::Ping => continue,
                Kind::Read => {
                    line.was_read(&frame);
                    continue;
                }
                _ => {}
            }
            let (channel, last) = (frame.channel, matches!(frame.kind, Kind::Exit));
            let reader = match lock(&self.channels).as_mut() {
                None => return Ok(()),
                Some(channels) if last => channels.remove(&channel),
                Some(channels) => channels.get(&channel).cloned(),
            };
            // Waits for a slow reader: so the program waits, as it would for a pipe. One that is gone costs nothing.
            if let Some(reader) = reader
                && reader.send(frame).is_err()
                && let Some(channels) = lock(&self.channels).as_mut()
            {
                channels.remove(&channel);
            }
        }
    }
}

fn skip_noise(line: &mut impl BufRead) -> io::Result<()> {
    let mut seen = Vec::new();
    while line.read_until(b'\n', &mut seen)? > 0 {
        if seen.ends_with(HELLO) {
            return Ok(());
        }
        if seen.len() > MOST_NOISE {
            break;
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::skip_noise;

    #[test]
    fn what_comes_before_the_agent_speaks_is_skipped() {
        let mut line = b"login: \nashlar-lab agent 1\nrest".as_slice();
        skip_noise(&mut line).unwrap();
        assert_eq!(line, b"rest");
        assert!(skip_noise(&mut b"Kernel panic".as_slice()).is_err());
    }
}
