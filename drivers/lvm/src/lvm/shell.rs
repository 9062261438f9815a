//! One LVM shell: `lvm` with commands on its standard input.
//!
//! Starting LVM costs more than most of what it is asked to do, so one process answers many commands. Its reports go
//! to standard output as JSON, its prose to standard error. It ends when its standard input closes, also because this
//! process died: it is never killed in the middle of a command unless it takes too long, since that can leave
//! device-mapper devices suspended.

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

use ashlar_common::exec::{Conversation, ExecError, Program};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{ChildStdin, ChildStdout},
    time::timeout,
};

use super::{
    command::Command,
    document::Document,
    report::{Answer, ReportError},
};

/// Present where a device manager makes the nodes in `/dev`; LVM makes them itself elsewhere.
const UDEV: &str = "/run/udev/control";
/// How long a shell whose output has ended may take to say how it ended.
const END: Duration = Duration::from_secs(2);

/// How a shell is started.
#[derive(Clone, Debug)]
pub(super) struct Tools {
    pub(super) lvm: Program,
    pub(super) flock: Program,
    /// LVM's settings.
    pub(super) system_dir: PathBuf,
    /// Held while the shell lives, for commands that change something: a shell that outlived its host may still be at
    /// its last command.
    pub(super) lock: Option<PathBuf>,
}

/// A shell did not give a whole answer.
#[derive(Debug, thiserror::Error)]
pub enum ShellError {
    /// It cannot be started.
    #[error(transparent)]
    Start(#[from] ExecError),
    /// It ended.
    #[error("the LVM shell ended ({status}){}", said(stderr))]
    Ended {
        /// How.
        status: ExitStatus,
        /// Its last words.
        stderr: String,
    },
    /// It does not take or give bytes any more.
    #[error("the LVM shell cannot be spoken with")]
    Pipe(#[source] io::Error),
    /// It answered something else than a report, or only a part of one.
    #[error("the LVM shell answered what is no report{}", said(stderr))]
    Report {
        /// What is wrong with it.
        source: ReportError,
        /// The shell's last words.
        stderr: String,
    },
    /// It has not answered in time, and was killed.
    #[error("the LVM shell did not answer within {waited:.1?}, and was killed{}", said(stderr))]
    Silent {
        /// How long it had.
        waited: Duration,
        /// Its last words.
        stderr: String,
    },
    /// The call ended before the answer came; the command goes on.
    #[error(transparent)]
    Left(ashlar_common::driver::context::Stopped),
}

/// A running LVM shell.
#[derive(Debug)]
pub(super) struct Shell {
    talk: Conversation,
    stdin: ChildStdin,
    stdout: ChildStdout,
}

impl Shell {
    /// Starts one. It may still wait for its lock: the first answer says that it does not.
    pub(super) fn start(tools: &Tools) -> Result<Self, ShellError> {
        let run = match &tools.lock {
            Some(lock) => {
                tools.flock.run(["--exclusive".into(), lock.clone().into_os_string(), tools.lvm.path().into()])
            }
            None => tools.lvm.run::<[&str; 0]>([]),
        };
        let mut run = run
            .env("LVM_SYSTEM_DIR", &tools.system_dir)
            .env("LVM_REPORT_FD", "1")
            .env("LVM_OUT_FD", "2")
            .env("LVM_SUPPRESS_FD_WARNINGS", "1")
            .spared_on_drop();
        if !std::path::Path::new(UDEV).exists() {
            run = run.env("DM_DISABLE_UDEV", "1");
        }
        let mut talk = run.converse()?;
        let pipes = (talk.take_stdin(), talk.take_stdout());
        let (Some(stdin), Some(stdout)) = pipes else {
            return Err(ShellError::Pipe(io::ErrorKind::BrokenPipe.into()));
        };
        Ok(Self { talk, stdin, stdout })
    }

    /// Gives it a command and waits for the answer, which may be that it failed. After an error, and where the future
    /// is dropped, this shell is of no more use: [`Shell::kill`] it.
    pub(super) async fn ask(&mut self, command: &Command) -> Result<Answer, ShellError> {
        let line = format!("{}\n", command.line());
        if let Err(error) = self.stdin.write_all(line.as_bytes()).await {
            return Err(self.ended_or(error).await);
        }
        let mut document = Document::default();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = match self.stdout.read(&mut buffer).await {
                Ok(0) if document.is_torn() => return Err(self.report(ReportError::Torn)),
                Ok(0) => return Err(self.ended_or(io::ErrorKind::UnexpectedEof.into()).await),
                Ok(read) => read,
                Err(error) => return Err(ShellError::Pipe(error)),
            };
            match document.take(&buffer[..read]) {
                Ok(None) => {}
                Ok(Some(bytes)) => return Answer::parse(&bytes, command).map_err(|error| self.report(error)),
                Err(_) => return Err(self.report(ReportError::TooLong)),
            }
        }
    }

    /// Ends it with all that it started.
    pub(super) async fn kill(&mut self) {
        if let Err(error) = self.talk.kill().await {
            tracing::warn!(%error, "it is not known how an LVM shell ended");
        }
    }

    /// The last of what it wrote to standard error.
    pub(super) fn stderr(&self) -> String {
        self.talk.stderr()
    }

    async fn ended_or(&mut self, error: io::Error) -> ShellError {
        match timeout(END, self.talk.ended()).await {
            Ok(Ok(status)) => ShellError::Ended { status, stderr: self.talk.stderr() },
            Ok(Err(_)) | Err(_) => ShellError::Pipe(error),
        }
    }

    fn report(&self, source: ReportError) -> ShellError {
        ShellError::Report { source, stderr: self.talk.stderr() }
    }
}

fn said(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!(": {stderr}") }
}
