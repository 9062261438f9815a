//! Processes found by the directory they work in: a server's own and all that it forked, also after its first is dead.

use std::{
    fs, io,
    os::fd::OwnedFd,
    path::Path,
    time::{Duration, Instant},
};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::{
    error::{Error, Result},
    program::readable_within,
};

/// The processes whose working directory is `directory`.
pub(crate) fn within(directory: &Path) -> Result<Vec<Process>> {
    let entries = fs::read_dir("/proc").map_err(Error::io("cannot list processes"))?;
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    Ok(numbers.filter_map(|number| Process::within(number, directory)).collect())
}

/// One of them, held so that a signal cannot reach another that got its number.
pub(crate) struct Process {
    number: i32,
    handle: OwnedFd,
}

impl Process {
    fn within(number: i32, directory: &Path) -> Option<Self> {
        let there = || fs::read_link(format!("/proc/{number}/cwd")).is_ok_and(|at| at == directory);
        if !there() {
            return None;
        }
        let handle = pidfd_open(Pid::from_raw(number)?, PidfdFlags::empty()).ok()?;
        // Again, now that the number cannot be given to another unnoticed.
        there().then_some(Self { number, handle })
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        match pidfd_send_signal(&self.handle, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(Error::io(format!("cannot signal process {}", self.number))(error)),
        }
    }

    fn is_stopped(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.number)).unwrap_or_default();
        // The name in parentheses may hold anything; the state follows the last.
        stat.rsplit_once(')').is_none_or(|(_, rest)| matches!(rest.trim_start().chars().next(), Some('T' | 'Z' | 'X')))
    }
}

/// Kills all processes that work in `directory`, also those that they start meanwhile.
pub(crate) fn kill_all(directory: &Path, limit: Duration) -> Result<()> {
    let deadline = Instant::now() + limit;
    loop {
        let found = within(directory)?;
        if found.is_empty() {
            return Ok(());
        }
        for process in &found {
            process.signal(Signal::KILL)?;
        }
        for process in &found {
            let left = deadline.saturating_duration_since(Instant::now());
            if !readable_within(&process.handle, left).map_err(Error::io("cannot wait for a process"))? {
                let what = format!("the end of process {}", process.number);
                return Err(Error::TooLong { what, limit, said: String::new() });
            }
        }
    }
}

/// Stops all processes that work in `directory` where they are; returns when none of them runs.
pub(crate) fn pause_all(directory: &Path, limit: Duration) -> Result<()> {
    let started = Instant::now();
    loop {
        let running: Vec<_> = within(directory)?.into_iter().filter(|process| !process.is_stopped()).collect();
        if running.is_empty() {
            return Ok(());
        }
        for process in &running {
            process.signal(Signal::STOP)?;
        }
        if started.elapsed() > limit {
            return Err(Error::TooLong { what: "stopping all processes".to_owned(), limit, said: String::new() });
        }
        // The kernel tells only their parent when they have stopped.
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Lets them go on.
pub(crate) fn resume_all(directory: &Path) -> Result<()> {
    within(directory)?.iter().try_for_each(|process| process.signal(Signal::CONT))
}

/// Whether the segment `id` of System V's shared memory was made by process `creator` and is used by none: what a server
/// leaves that was killed.
pub(crate) fn is_left_by(id: &str, creator: &str) -> io::Result<bool> {
    const ID: usize = 1;
    const CREATOR: usize = 4;
    const ATTACHED: usize = 6;
    let table = fs::read_to_string("/proc/sysvipc/shm")?;
    Ok(table.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        [ID, CREATOR, ATTACHED].map(|at| fields.get(at).copied()) == [Some(id), Some(creator), Some("0")]
    }))
}
