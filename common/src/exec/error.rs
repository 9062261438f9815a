//! What can go wrong with an outside program.

use std::{ffi::OsString, fmt, io, process::ExitStatus};

use super::program::SEARCHED;
use crate::driver::{Classified, Kind, context::Stopped};

/// Longest part of a command line that errors and logs show.
const SHOWN_BYTES: usize = 1000;

/// A program that was started, for people to read: its name and arguments. Holds no secret, since none is ever given
/// as an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation(String);

impl Invocation {
    pub(super) fn new(name: &str, args: &[OsString]) -> Self {
        let mut text = name.to_owned();
        for arg in args {
            let arg = arg.to_string_lossy();
            let plain = !arg.is_empty() && !arg.contains(|c: char| c.is_whitespace() || c.is_control());
            text.push(' ');
            text.push_str(&if plain { arg.into_owned() } else { format!("{arg:?}") });
        }
        if text.len() > SHOWN_BYTES {
            text.truncate(text.floor_char_boundary(SHOWN_BYTES));
            text.push_str(" ...");
        }
        Self(text)
    }
}

impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An outside program is missing, failed or was stopped.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// The program is not installed.
    #[error("the program {name} is not on this machine: {}; looked in {SEARCHED}", fix(*package))]
    Missing {
        /// What was looked for.
        name: &'static str,
        /// The Debian package that has it, where the caller knows.
        package: Option<&'static str>,
    },
    /// It could not be started; nothing happened.
    #[error("cannot start {invocation}")]
    Start {
        /// What was to be run.
        invocation: Invocation,
        /// Why not.
        source: io::Error,
    },
    /// It was killed for the deadline or because the operation was cancelled. What it had done by then is unknown.
    #[error("{invocation} was stopped")]
    Stopped {
        /// What was run.
        invocation: Invocation,
        /// Why it was stopped.
        source: Stopped,
    },
    /// It ended in a way that the caller does not accept.
    #[error("{invocation} failed ({status}){}", said(stderr))]
    Status {
        /// What was run.
        invocation: Invocation,
        /// Its exit code or the signal that ended it.
        status: ExitStatus,
        /// The last of what it wrote to its standard error.
        stderr: String,
    },
    /// It ended well, but wrote more than the caller wants to hold.
    #[error("{invocation} wrote more than {limit} bytes")]
    TooMuchOutput {
        /// What was run.
        invocation: Invocation,
        /// How many bytes are held at most.
        limit: usize,
    },
    /// The system lost track of it.
    #[error("cannot learn how {invocation} ended")]
    Lost {
        /// What was run.
        invocation: Invocation,
        /// Why not.
        source: io::Error,
    },
}

impl ExecError {
    /// The exit code of a program that ended by itself in a way that was not accepted: for callers that know what the
    /// tool means by it.
    #[must_use]
    pub fn exit_code(&self) -> Option<i32> {
        match self {
            Self::Status { status, .. } => status.code(),
            Self::Missing { .. }
            | Self::Start { .. }
            | Self::Stopped { .. }
            | Self::TooMuchOutput { .. }
            | Self::Lost { .. } => None,
        }
    }

    /// The last of what a failed program wrote to its standard error; empty where there is none.
    #[must_use]
    pub fn stderr(&self) -> &str {
        match self {
            Self::Status { stderr, .. } => stderr,
            Self::Missing { .. }
            | Self::Start { .. }
            | Self::Stopped { .. }
            | Self::TooMuchOutput { .. }
            | Self::Lost { .. } => "",
        }
    }
}

impl Classified for ExecError {
    fn kind(&self) -> Kind {
        match self {
            Self::Start { source, .. } => match source.kind() {
                // Out of processes or memory for now: nothing was started, and a later try may succeed.
                io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory => Kind::Unavailable,
                _ => Kind::Fatal,
            },
            Self::Stopped { .. } | Self::Lost { .. } => Kind::Indeterminate,
            Self::Missing { .. } | Self::Status { .. } | Self::TooMuchOutput { .. } => Kind::Fatal,
        }
    }
}

fn fix(package: Option<&str>) -> String {
    match package {
        Some(package) => format!("apt-get install {package}"),
        None => "install it".to_owned(),
    }
}

fn said(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!(": {stderr}") }
}
