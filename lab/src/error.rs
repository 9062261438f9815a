//! What can go wrong with a lab, in texts that say what to do.

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

/// The outcome of what a lab is asked for.
pub type Result<T> = std::result::Result<T, Error>;

/// A lab cannot be had, or did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The programs are not on this machine.
    #[error("{what} is not on this machine ({looked}); install it: {remedy}")]
    NotInstalled {
        /// What was looked for.
        what: &'static str,
        /// Where.
        looked: String,
        /// A command line that brings it.
        remedy: &'static str,
    },
    /// A program ended without success.
    #[error("{program} ended with {status}: {said}")]
    Failed {
        /// Its name.
        program: String,
        /// How.
        status: ExitStatus,
        /// The end of what it said.
        said: String,
    },
    /// A program or a server was not done in time; the program was killed.
    #[error("{what} took longer than {} s{said}", limit.as_secs())]
    TooLong {
        /// What was waited for.
        what: String,
        /// How long.
        limit: Duration,
        /// The end of its log, where it has one.
        said: String,
    },
    /// The server ended while it was to become ready.
    #[error("the server ended at its start; the end of its log:\n{log}")]
    Ended {
        /// The end of its log.
        log: String,
    },
    /// The system refused something.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why not.
        source: io::Error,
    },
    /// The user that the server runs as cannot get there.
    #[error("the user {user} may not enter {}: name another directory", path.display())]
    Closed {
        /// Who.
        user: String,
        /// Where.
        path: PathBuf,
    },
    /// A machine is gone, or never was.
    #[error("the machine {what}; the last lines of its console:\n{console}")]
    Machine {
        /// What became of it.
        what: String,
        /// The end of what its kernel said.
        console: String,
    },
    /// A program that ran in a machine has no end that is known.
    #[error("the program was lost: {0}")]
    Lost(String),
    /// The host's kernel was asked for.
    #[error("the host's kernel cannot do it: {0}")]
    Host(String),
    /// It is not running, or it is already.
    #[error("the server is {0}")]
    State(&'static str),
}

impl Error {
    /// For `map_err`: what was tried when the system refused.
    pub(crate) fn io<E: Into<io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        |source| Self::Io { what: what.into(), source: source.into() }
    }
}
