//! How far it is, on a terminal.

use std::{
    io::{IsTerminal, Write, stderr},
    time::{Duration, Instant},
};

const INTERVAL: Duration = Duration::from_millis(200);

/// A line that is written over; nothing where nobody looks.
#[derive(Debug)]
pub(crate) struct Progress {
    total: u64,
    done: u64,
    began: Instant,
    shown: Option<Instant>,
    live: bool,
}

impl Progress {
    pub(crate) fn new(total: u64) -> Self {
        Self { total, done: 0, began: Instant::now(), shown: None, live: stderr().is_terminal() }
    }

    pub(crate) fn one_more(&mut self) {
        self.done += 1;
        if !self.live || self.shown.is_some_and(|shown| shown.elapsed() < INTERVAL) {
            return;
        }
        self.shown = Some(Instant::now());
        let seconds = self.began.elapsed().as_secs_f64().max(0.001);
        let (done, total) = (self.done, self.total);
        // What cannot be shown is not worth failing for.
        let _ = write!(stderr(), "\r{done} of {total} seeds, {:.0} a second ", done as f64 / seconds);
        let _ = stderr().flush();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.live {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
