//! One run of a program, from start to reaped.

use std::{
    ffi::OsString,
    fmt,
    fs::File,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use super::{
    error::{ExecError, Invocation},
    limits::Limits,
    pipes::{OnLine, Stdout, Tail, drain, feed},
    program::{Lookup, Program, SEARCHED},
};
use crate::driver::{OpCtx, context::Stopped};

/// Standard output that is kept unless the caller says otherwise: reports of thousands of objects fit.
const OUTPUT_BYTES: usize = 16 << 20;
/// How long pipes are read after the program has ended: a daemon that it left behind may hold them for ever.
const DRAIN: Duration = Duration::from_millis(200);
/// How long a program that is asked to end may take before it is made to.
const GRACE: Duration = Duration::from_secs(2);
/// How often a program that is asked to end is looked at.
const GRACE_STEP: Duration = Duration::from_millis(10);

/// What a program answered.
#[derive(Clone, Debug)]
pub struct Output {
    /// How it ended: exit code 0, or one that the caller accepts.
    pub status: ExitStatus,
    /// Its standard output; empty where [`Run::on_line`] took it.
    pub stdout: Vec<u8>,
    /// The last 4 KiB of its standard error.
    pub stderr: Vec<u8>,
}

enum Stdin {
    Null,
    Bytes(Vec<u8>),
    File(File),
}

/// A run of a program that is being set up. Nothing starts before [`Run::output`] is awaited.
#[must_use = "a run does nothing until its output is awaited"]
pub struct Run {
    program: Program,
    args: Vec<OsString>,
    environment: Vec<(&'static str, OsString)>,
    stdin: Stdin,
    limits: Option<Limits>,
    dies_with_host: bool,
    spared_on_drop: bool,
    accepted: Vec<i32>,
    output_bytes: usize,
    on_line: Option<OnLine>,
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Standard input may be a secret.
        f.debug_struct("Run").field("program", &self.program).field("args", &self.args).finish_non_exhaustive()
    }
}

impl Run {
    pub(super) fn new(program: Program) -> Self {
        Self {
            program,
            args: Vec::new(),
            environment: Vec::new(),
            stdin: Stdin::Null,
            limits: None,
            dies_with_host: false,
            spared_on_drop: false,
            accepted: Vec::new(),
            output_bytes: OUTPUT_BYTES,
            on_line: None,
        }
    }

    /// One more argument. Never a secret.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// More arguments. Never secrets.
    pub fn args<I>(mut self, args: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// A variable of the program's environment, which has but `PATH` and `LC_ALL` otherwise. Never a secret: whoever
    /// may look at the process can read it.
    pub fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// What the program reads on its standard input; the place for secrets. Without it, nothing.
    pub fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.stdin = Stdin::Bytes(bytes);
        self
    }

    /// An open file as the program's standard input.
    pub fn stdin_file(mut self, file: File) -> Self {
        self.stdin = Stdin::File(file);
        self
    }

    /// What the program may use.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// Has the kernel kill the program when this process dies, however it dies. For work that must not go on behind
    /// the back of a restarted host, and that can be thrown away at any instant.
    ///
    /// The kernel looks at the *thread* that starts the program: call it from the runtime's own threads, which live
    /// as long as the process.
    pub fn dies_with_host(mut self) -> Self {
        self.dies_with_host = true;
        self
    }

    /// Has a [`Conversation`](super::Conversation) that is dropped close the program's pipes, and not kill it. For
    /// programs that end by themselves then, and must not be stopped in the middle of what they do.
    pub fn spared_on_drop(mut self) -> Self {
        self.spared_on_drop = true;
        self
    }

    /// Exit codes that are as good as 0.
    pub fn accept(mut self, codes: impl IntoIterator<Item = i32>) -> Self {
        self.accepted.extend(codes);
        self
    }

    /// How much standard output is held at most; 16 MiB unless said. A program that writes more is still let run to
    /// its end, and the run fails then.
    pub fn output_bytes(mut self, limit: usize) -> Self {
        self.output_bytes = limit;
        self
    }

    /// Gives each line of standard output to `on_line` as it comes (carriage returns end lines too) instead of keeping
    /// it. Lines are cut at 4 KiB.
    pub fn on_line(mut self, on_line: impl FnMut(&str) + Send + 'static) -> Self {
        self.on_line = Some(Box::new(on_line));
        self
    }

    /// Runs it and waits until it has ended, but no longer than `ctx` lasts: then its whole process group is asked to
    /// end, and after 2 s is killed. A future that is dropped instead kills the group at once.
    ///
    /// # Errors
    /// Every [`ExecError`]. [`ExecError::Missing`] can only name a wrapper (`prlimit`, `setpriv`).
    pub async fn output(self, ctx: &OpCtx) -> Result<Output, ExecError> {
        let invocation = self.invocation();
        let mut command = self.command()?;
        if let Err(source) = ctx.check() {
            return Err(ExecError::Stopped { invocation, source });
        }
        let (stdin, input) = match self.stdin {
            Stdin::Null => (Stdio::null(), Vec::new()),
            Stdin::Bytes(bytes) => (Stdio::piped(), bytes),
            Stdin::File(file) => (Stdio::from(file), Vec::new()),
        };
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(source) => return Err(ExecError::Start { invocation, source }),
        };
        drop(command); // and with it our copy of the file that is the program's standard input
        let mut group = Group::of(&child);
        let mut stdout = match self.on_line {
            Some(on_line) => Stdout::lines(on_line),
            None => Stdout::kept(self.output_bytes),
        };
        let mut stderr = Tail::default();

        let ended = {
            let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
            let talk =
                async { tokio::join!(feed(pipes.0, input), drain(pipes.1, &mut stdout), drain(pipes.2, &mut stderr)) };
            tokio::pin!(talk);
            let mut silent = false;
            loop {
                tokio::select! {
                    biased;
                    status = child.wait() => {
                        group.reaped();
                        if !silent {
                            let _held_by_a_daemon = timeout(DRAIN, &mut talk).await;
                        }
                        break Ok(status);
                    }
                    _ = &mut talk, if !silent => silent = true,
                    source = stopped(ctx) => break Err(source),
                }
            }
        };

        let status = match ended {
            Ok(Ok(status)) => status,
            Ok(Err(source)) => return Err(ExecError::Lost { invocation, source }),
            Err(source) => {
                group.stop(&mut child).await;
                return Err(ExecError::Stopped { invocation, source });
            }
        };
        if !status.success() && !status.code().is_some_and(|code| self.accepted.contains(&code)) {
            return Err(ExecError::Status { invocation, status, stderr: stderr.text() });
        }
        match stdout {
            Stdout::Kept { overflowed: true, limit, .. } => Err(ExecError::TooMuchOutput { invocation, limit }),
            Stdout::Kept { bytes, .. } => Ok(Output { status, stdout: bytes, stderr: stderr.into_bytes() }),
            Stdout::Lines { .. } => Ok(Output { status, stdout: Vec::new(), stderr: stderr.into_bytes() }),
        }
    }

    pub(super) fn invocation(&self) -> Invocation {
        Invocation::new(self.program.name(), &self.args)
    }

    pub(super) fn is_spared_on_drop(&self) -> bool {
        self.spared_on_drop
    }

    pub(super) fn command(&self) -> Result<Command, ExecError> {
        let mut line: Vec<OsString> = Vec::new();
        if self.dies_with_host {
            let setpriv = Program::find_with("setpriv", Lookup { package: Some("util-linux"), path: None })?;
            line.extend([setpriv.path().into(), "--pdeathsig".into(), "KILL".into(), "--".into()]);
        }
        if let Some(limits) = self.limits {
            line.extend(limits.prefix()?);
        }
        line.push(self.program.path().into());
        line.extend(self.args.iter().cloned());
        #[expect(clippy::disallowed_methods, reason = "this is the one place that starts programs")]
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).env_clear().env("LC_ALL", "C").env("PATH", SEARCHED).current_dir("/");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.process_group(0).kill_on_drop(!self.spared_on_drop);
        Ok(command)
    }
}

async fn stopped(ctx: &OpCtx) -> Stopped {
    tokio::select! {
        biased;
        () = ctx.cancel().cancelled() => Stopped::Cancelled,
        () = tokio::time::sleep_until(ctx.deadline()) => Stopped::Deadline,
    }
}

/// The process group that the program leads. Killed when dropped, for futures that are.
///
/// The group's number is sure to be ours only until its leader is reaped; nothing is signalled after that.
#[derive(Debug)]
pub(super) struct Group {
    leader: Option<Pid>,
    spared_on_drop: bool,
}

impl Group {
    pub(super) fn of(child: &Child) -> Self {
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Self { leader, spared_on_drop: false }
    }

    pub(super) fn spare_on_drop(&mut self, spared: bool) {
        self.spared_on_drop = spared;
    }

    pub(super) fn reaped(&mut self) {
        self.leader = None;
    }

    /// Ends all of it at once.
    pub(super) fn kill(&self) {
        if let Some(pid) = self.leader {
            let _gone = kill_process_group(pid, Signal::KILL);
        }
    }

    /// Asks the group to end, gives its leader some time, kills what is left, and reaps the leader.
    async fn stop(&mut self, child: &mut Child) {
        if let Some(pid) = self.leader {
            let _gone = kill_process_group(pid, Signal::TERM);
            let patience = Instant::now() + GRACE;
            // Looking must not reap: members that ignored TERM can be killed by the group's number only while the
            // leader, dead or not, still holds it.
            let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            while Instant::now() < patience && matches!(waitid(WaitId::Pid(pid), look), Ok(None)) {
                sleep(GRACE_STEP).await;
            }
            let _gone = kill_process_group(pid, Signal::KILL);
        }
        let _status = child.wait().await;
        self.reaped();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.spared_on_drop {
            self.kill();
        }
    }
}
