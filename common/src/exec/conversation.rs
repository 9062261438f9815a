//! A program that is spoken with while it runs.

use std::{
    io,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::AsyncReadExt,
    process::{Child, ChildStdin, ChildStdout},
    task::JoinHandle,
    time::timeout,
};

use super::{
    error::ExecError,
    pipes::{Sink, Tail},
    run::{Group, Run},
};

/// How long standard error is read after the program has ended: what it started may hold the pipe for ever.
const DRAIN: Duration = Duration::from_millis(200);

/// A running program with its pipes. It is killed with all its process group when this is dropped (unless
/// [`Run::spared_on_drop`] asked otherwise), and by the kernel when this process dies where [`Run::dies_with_host`]
/// asked for that.
#[derive(Debug)]
pub struct Conversation {
    child: Child,
    group: Group,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Arc<Mutex<Tail>>,
    listening: JoinHandle<()>,
}

impl Run {
    /// Starts it, to be spoken with. Its limits are held; its standard input, output and time are the caller's matter.
    ///
    /// # Errors
    /// [`ExecError::Missing`] for a wrapper, [`ExecError::Start`] where it cannot be started.
    pub fn converse(self) -> Result<Conversation, ExecError> {
        let (invocation, spared) = (self.invocation(), self.is_spared_on_drop());
        let mut command = self.command()?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|source| ExecError::Start { invocation, source })?;
        let mut group = Group::of(&child);
        group.spare_on_drop(spared);
        let (stdin, stdout, pipe) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let stderr = Arc::<Mutex<Tail>>::default();
        let tail = Arc::clone(&stderr);
        let listening = tokio::spawn(async move {
            let Some(mut pipe) = pipe else { return };
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(read @ 1..) = pipe.read(&mut buffer).await {
                tail.lock().unwrap_or_else(PoisonError::into_inner).take(&buffer[..read]);
            }
        });
        Ok(Conversation { child, group, stdin, stdout, stderr, listening })
    }
}

impl Conversation {
    /// Its standard input, once. Dropped, it closes.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.stdin.take()
    }

    /// Its standard output, once.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.stdout.take()
    }

    /// Its process id, while it is not known to have ended.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits for its end. May be dropped and called again.
    ///
    /// # Errors
    /// When the system cannot say.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await;
        self.group.reaped();
        // The last words come with the end.
        if !self.listening.is_finished() {
            let _held_by_another = timeout(DRAIN, &mut self.listening).await;
        }
        status
    }

    /// Ends it and its process group at once, as `kill -9` does, and reaps it.
    ///
    /// # Errors
    /// When the system cannot say what became of it.
    pub async fn kill(&mut self) -> io::Result<ExitStatus> {
        self.group.kill();
        self.ended().await
    }

    /// The last of what it wrote to standard error.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap_or_else(PoisonError::into_inner).text()
    }
}
