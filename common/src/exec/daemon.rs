//! Programs that stay: the hosts that the service starts.

use std::{ffi::OsString, fs::File, path::Path, process::ExitStatus, process::Stdio, time::Duration};

use tokio::process::{Child, ChildStdin, Command};

/// A program that was started to stay. It is told to end by the closing of its standard input, which also happens when
/// the process that started it dies: it need not be found and killed then.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    /// Kept apart from the child, whose `wait` would close it.
    stdin: Option<ChildStdin>,
}

impl Daemon {
    /// Starts `program` with standard error shared, standard input held open, and standard output closed.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(program: &Path, args: impl IntoIterator<Item = OsString>) -> std::io::Result<Self> {
        Self::start_with(program, args, Stdio::inherit())
    }

    /// The same with standard error in a file.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start_logged(program: &Path, args: impl IntoIterator<Item = OsString>, log: File) -> std::io::Result<Self> {
        Self::start_with(program, args, log.into())
    }

    #[expect(clippy::disallowed_methods, reason = "this is the place that starts programs which stay")]
    fn start_with(
        program: &Path,
        args: impl IntoIterator<Item = OsString>,
        standard_error: Stdio,
    ) -> std::io::Result<Self> {
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(standard_error)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.take();
        Ok(Self { child, stdin })
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits for its end. May be dropped and called again.
    ///
    /// # Errors
    /// When the system cannot say.
    pub async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Tells it to end, and kills it when it has not within `grace`.
    ///
    /// # Errors
    /// When the system cannot say what became of it.
    pub async fn stop(mut self, grace: Duration) -> std::io::Result<ExitStatus> {
        drop(self.stdin.take());
        if let Ok(status) = tokio::time::timeout(grace, self.child.wait()).await {
            return status;
        }
        self.child.kill().await?;
        self.child.wait().await
    }
}
