//! Outside programs: the one place of this crate that starts them.
//!
//! `xtask` uses this crate and must not depend on `ashlar-common`, so that its `exec` is out of reach here.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};

use crate::error::{Error, Result};

/// What is kept of a program's output.
const LARGEST_OUTPUT: u64 = 1 << 20;
/// What an error tells of it.
const LARGEST_TOLD: usize = 2000;

/// A program with its arguments, and who runs it.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    inherits: bool,
    directory: PathBuf,
    input: String,
}

impl Program {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            inherits: false,
            directory: PathBuf::from("/"),
            input: String::new(),
        }
    }

    pub(crate) fn arguments<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    pub(crate) fn variable(mut self, name: impl Into<OsString>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Leaves it the environment of this process, under its own variables.
    pub(crate) fn inheriting(mut self) -> Self {
        self.inherits = true;
        self
    }

    /// Where it works; else in the root.
    pub(crate) fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = directory.into();
        self
    }

    /// What it reads; a secret goes here, since arguments are for all to see.
    pub(crate) fn input(mut self, input: impl Into<String>) -> Self {
        self.input = input.into();
        self
    }

    /// Runs it to its end and returns what it printed.
    pub(crate) fn run(self, limit: Duration) -> Result<String> {
        let name = self.name();
        let started = || Error::io(format!("cannot start {name}"));
        // Files, not pipes: nothing has to be read while it runs, and what it leaves behind holds nobody up.
        let mut said = tempfile::tempfile().map_err(started())?;
        let mut input = tempfile::tempfile().map_err(started())?;
        input.write_all(self.input.as_bytes()).and_then(|()| input.rewind()).map_err(started())?;
        let mut command = self.command();
        let same = said.try_clone().map_err(started())?;
        command.stdin(input).stdout(same.try_clone().map_err(started())?).stderr(same);
        let mut child = command.spawn().map_err(started())?;
        let status = match ended_within(&mut child, limit) {
            Ok(Some(status)) => status,
            late => {
                let _gone_already = child.kill();
                child.wait().map_err(Error::io(format!("cannot wait for {name}")))?;
                late.map_err(Error::io(format!("cannot wait for {name}")))?;
                return Err(Error::TooLong { what: name, limit, said: format!(": {}", tail_of(&mut said)) });
            }
        };
        if !status.success() {
            return Err(Error::Failed { program: name, status, said: tail_of(&mut said) });
        }
        let mut text = String::new();
        said.rewind()
            .and_then(|()| said.take(LARGEST_OUTPUT).read_to_string(&mut text))
            .map_err(Error::io("cannot read the output"))?;
        Ok(text)
    }

    /// Starts it to stay, its output in `log`. When this process ends, however it does, the kernel sends what
    /// [`crate::postgres`] asked `setpriv` for.
    ///
    /// The kernel means the *thread* that started it. So a thread of its own does, and waits for its end.
    pub(crate) fn stay(self, log: File) -> Result<Staying> {
        self.stay_with(Stdio::null(), log)
    }

    /// The same, with something to read.
    pub(crate) fn stay_with(self, input: Stdio, log: File) -> Result<Staying> {
        let name = self.name();
        let started = || Error::io(format!("cannot start {name}"));
        let mut command = self.command();
        command.stdin(input).stdout(log.try_clone().map_err(started())?).stderr(log);
        let (tell, told) = mpsc::channel();
        let end = Arc::<End>::default();
        let ended = Arc::clone(&end);
        let keep = move || match command.spawn() {
            Ok(mut child) => {
                let _nobody_asks = tell.send(Ok(child.id()));
                let status = child.wait();
                ended.tell(status.ok());
            }
            Err(error) => {
                let _nobody_asks = tell.send(Err(error));
            }
        };
        thread::Builder::new().name("lab-keeper".to_owned()).spawn(keep).map_err(started())?;
        let lost = || io::Error::other("the thread that starts it ended");
        let pid = told.recv().map_err(|_| lost()).and_then(|started| started).map_err(started())?;
        Ok(Staying { pid, end })
    }

    /// Starts it and leaves it to the caller; in a group of its own, unless something else makes it one.
    pub(crate) fn start(&self, streams: [Stdio; 3], group: bool) -> io::Result<Child> {
        let [input, output, errors] = streams;
        let mut command = self.command();
        command.stdin(input).stdout(output).stderr(errors);
        if group {
            command.process_group(0);
        }
        command.spawn()
    }

    fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the place of this crate that starts programs")]
    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).current_dir(&self.directory);
        if !self.inherits {
            command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C");
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// A program that was started to stay.
#[derive(Debug)]
pub(crate) struct Staying {
    pid: u32,
    end: Arc<End>,
}

impl Staying {
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits for its end, at most so long; whether it came.
    pub(crate) fn ended_within(&self, limit: Duration) -> bool {
        let guard = self.end.lock();
        let waited = self.end.changed.wait_timeout_while(guard, limit, |ended| ended.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_some()
    }
}

/// The end of a program, once it is there.
#[derive(Debug, Default)]
struct End {
    ended: Mutex<Option<Option<ExitStatus>>>,
    changed: Condvar,
}

impl End {
    fn lock(&self) -> MutexGuard<'_, Option<Option<ExitStatus>>> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, status: Option<ExitStatus>) {
        *self.lock() = Some(status);
        self.changed.notify_all();
    }
}

fn ended_within(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidData)?;
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    if readable_within(&process, limit)? { child.wait().map(Some) } else { Ok(None) }
}

/// Whether something can be read there, or, of a process, whether it has ended; waits so long.
pub(crate) fn readable_within(what: &impl std::os::fd::AsFd, limit: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(|_| io::ErrorKind::InvalidInput)?;
        match poll(&mut [PollFd::new(what, PollFlags::IN)], Some(&left)) {
            Err(rustix::io::Errno::INTR) => {}
            polled => return Ok(polled? > 0),
        }
    }
}

/// The end of a file's text.
pub(crate) fn tail_of(file: &mut File) -> String {
    let mut read = || -> io::Result<Vec<u8>> {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LARGEST_TOLD as u64)))?;
        let mut bytes = Vec::new();
        file.take(LARGEST_TOLD as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_or_else(|error| error.to_string(), |bytes| String::from_utf8_lossy(&bytes).trim().to_owned())
}
