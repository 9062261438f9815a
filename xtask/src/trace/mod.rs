//! What a program and everything that it starts touch in the file system, as `strace` sees it.
//!
//! ```text
//! run.rs (strace, its pipe, the limit) ──> follow ──┬─> line, call   one line, taken apart
//!                                                   ├─> effects      what a call touches
//!                                                   └─> role         who calls
//! ```
//! Only [`run`] does I/O. A line that cannot be read ends the trace with an error: what it told would be missing, and
//! evidence that misses a read leaves out a job that had to run.
//!
//! Not seen: what is opened through `io_uring`, what a daemon that ran before does on request, the network, the
//! environment. Reads of a file that was opened before and is inherited count where it was opened.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    time::Duration,
};

use anyhow::Result;

mod call;
mod effects;
mod follow;
mod line;
mod role;
mod run;

pub(crate) use run::lexically;

/// What came of a traced program.
#[derive(Debug)]
pub struct Traced {
    /// How the program ended.
    pub status: ExitStatus,
    /// Whether it was ended because it ran or printed too long; `touches` then holds what it did until then.
    pub cut_short: bool,
    /// What it and its children touched, each thing once.
    pub touches: BTreeSet<Touch>,
}

/// One path, how it was touched, and by what kind of process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Touch {
    /// Absolute. `.` and `..` are gone, links are as they were named; what a link led to is a touch of its own where the
    /// file was opened.
    pub path: PathBuf,
    /// How.
    pub how: How,
    /// By what.
    pub by: By,
}

/// How a path was touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum How {
    /// Opened for reading, executed, asked about, or found to be there in another way.
    Read,
    /// Asked about by cargo, to which it only matters that it is there: what it compares besides is when it changed.
    Found,
    /// Its entries were listed.
    Listed,
    /// It was looked for and is not there.
    Absent,
    /// Opened for writing, made, changed, renamed (both names) or removed.
    Written,
}

/// The kind of process that touched a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum By {
    /// Cargo, nextest and rustup, where they are above everything else.
    Cargo,
    /// Compilers and build scripts, and all that they start.
    Build,
    /// Test programs and all that they start, cargo too; and scripts that are above cargo.
    Run,
}

/// Runs `command` to its end under `strace` and tells what it touched. Both its streams go to `output_log`, its input is
/// empty. What is executed below the folder that `command` names by `--target-dir`, or sets as `CARGO_TARGET_DIR` (else
/// below `target` where it starts), and is no build script counts as a test program.
///
/// What goes on five seconds after the program is ended. After `limit`, or once the log is too large, its processes are asked to end and then killed, all of them. Should the
/// caller be killed, `strace` dies too and the program is asked to end.
///
/// Of `command`, the program, arguments, folder and single variables are taken; `env_clear` and redirections are not.
///
/// # Errors
/// `strace` cannot be started or may not trace here, the log cannot be written, or the trace cannot be understood.
pub fn trace(command: Command, output_log: &Path, limit: Duration) -> Result<Traced> {
    trace_until(command, output_log, limit, || false)
}

/// The same, and ended as after its limit once `stop` says so; it is asked a hundred times a second.
///
/// # Errors
/// As [`trace`].
pub fn trace_until(command: Command, output_log: &Path, limit: Duration, stop: impl FnMut() -> bool) -> Result<Traced> {
    run::run(&command, output_log, limit, stop)
}
