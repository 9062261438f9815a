//! Lock files: which processes of this machine have a seat at a backend, and real fencing between them.
//!
//! The system lets go of a lock however its process ends, so who gets one knows at once that the process before it is no
//! more; the file says which member that was. And where a process hangs, the file says which one to kill. Across
//! machines there is neither: there the lease in the store tells.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FlockOperation, flock},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};
use serde::{Deserialize, Serialize};

use crate::{ids::BackendName, wakeup::MAX_SEATS};

/// Processes of one machine that serve one backend, at most: as many as are woken.
pub(super) const SEATS: u32 = MAX_SEATS;
/// No record is longer.
const RECORD_BYTES: usize = 512;

/// Held while this process has a seat at the backend, or stands by for it.
#[derive(Debug)]
pub(super) struct Seat {
    file: File,
    number: u32,
    before: Option<u64>,
}

/// What a lock file says of its holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    pid: u32,
    /// When the process began, in ticks since the machine did: process ids are given again.
    started: u64,
    /// The last member that held this lock.
    epoch: Option<u64>,
    /// Whether that is the holder, or one before it.
    joined: bool,
}

/// A member of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Occupant {
    pid: u32,
    started: u64,
    /// Its epoch.
    pub(super) epoch: u64,
}

impl Seat {
    /// Takes a seat, if no process of this machine has it.
    pub(super) fn take(run_directory: &Path, backend: &BackendName, number: u32) -> io::Result<Option<Self>> {
        let path = path(run_directory, backend, number);
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let before = read(&file).and_then(|record| record.epoch);
        let seat = Self { file, number, before };
        seat.write(before, false)?;
        Ok(Some(seat))
    }

    /// Which one it is.
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    /// The member that had it before and has ended.
    pub(super) fn before(&self) -> Option<u64> {
        self.before
    }

    /// Says under which epoch its holder serves.
    pub(super) fn joined(&self, epoch: u64) -> io::Result<()> {
        self.write(Some(epoch), true)
    }

    fn write(&self, epoch: Option<u64>, joined: bool) -> io::Result<()> {
        let pid = std::process::id();
        let record = Record { pid, started: started(pid).unwrap_or(0), epoch, joined };
        self.file.set_len(0)?;
        self.file.write_all_at(&serde_json::to_vec(&record)?, 0)
    }
}

/// Who has a seat, if a member has.
pub(super) fn occupant(run_directory: &Path, backend: &BackendName, number: u32) -> Option<Occupant> {
    let record = read(&File::open(path(run_directory, backend, number)).ok()?)?;
    let epoch = record.epoch.filter(|_| record.joined)?;
    Some(Occupant { pid: record.pid, started: record.started, epoch })
}

impl Occupant {
    /// Kills it, if it still is the process that the lock file names. A stopped one ends too.
    pub(super) fn kill(self) -> io::Result<bool> {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        let Some(pid) = pid else { return Ok(false) };
        // Open before the look: from then on, the descriptor means this one process.
        let process = match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(process) => process,
            Err(rustix::io::Errno::SRCH) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        if started(self.pid) != Some(self.started) {
            return Ok(false);
        }
        pidfd_send_signal(process, Signal::KILL)?;
        Ok(true)
    }
}

fn path(run_directory: &Path, backend: &BackendName, number: u32) -> PathBuf {
    match number {
        0 => run_directory.join(format!("host-{backend}.lock")),
        _ => run_directory.join(format!("host-{backend}.{number}.lock")),
    }
}

/// `None` where nobody has written anything, or not to the end.
fn read(file: &File) -> Option<Record> {
    let mut bytes = [0_u8; RECORD_BYTES];
    let length = file.read_at(&mut bytes, 0).ok()?;
    serde_json::from_slice(&bytes[..length]).ok()
}

/// When a process began, in ticks since the machine did.
fn started(pid: u32) -> Option<u64> {
    start_of(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The 22nd field of `/proc/PID/stat`; the second, a name in parentheses, may hold anything.
fn start_of(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Occupant, Seat, occupant, start_of, started};

    #[test]
    fn the_start_of_a_process_is_found_whatever_its_name() {
        let stat = "17 (a) b (c) S 1 17 17 0 -1 4194304 100 0 0 0 1 2 0 0 20 0 1 0 4711 1000 10";
        assert_eq!(start_of(stat), Some(4711));
        assert_eq!(start_of("17 (cut"), None);
    }

    #[test]
    fn a_seat_tells_who_had_it_and_who_has_it() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let backend = "disk".parse().expect("a name");
        let take = || Seat::take(folder.path(), &backend, 0).expect("a lock file");
        let first = take().expect("free");
        assert_eq!((first.before(), occupant(folder.path(), &backend, 0)), (None, None));
        first.joined(7).expect("written");
        assert!(take().is_none(), "taken");
        let seen = occupant(folder.path(), &backend, 0).expect("a member");
        assert_eq!((seen.epoch, seen.pid), (7, std::process::id()));
        drop(first);
        // One that never joined hands on what it knows.
        assert_eq!(take().expect("free").before(), Some(7));
        let third = take().expect("free");
        assert_eq!((third.before(), occupant(folder.path(), &backend, 0)), (Some(7), None));
    }

    #[test]
    fn another_process_that_got_the_same_number_is_not_killed() {
        let own = std::process::id();
        let other = Occupant { pid: own, started: started(own).expect("it runs") + 1, epoch: 1 };
        assert!(!other.kill().expect("looked at"));
    }
}
