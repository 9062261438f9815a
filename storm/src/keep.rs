//! Keeps processes running, as a service manager does: whatever ends is started again at once.

use std::{
    ffi::OsString,
    fs::{File, OpenOptions},
    net::SocketAddr,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Result;
use ashlar_common::{exec::Daemon, ids::BackendName};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::runtime::Handle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Starts a program that the kernel kills when this one dies, so that nothing outlives a storm that was killed itself.
const TIED: (&str, [&str; 2]) = ("/usr/bin/setpriv", ["--pdeathsig=KILL", "--"]);
/// Before one that ended is started again: as where a manager has to notice.
const PAUSE: Duration = Duration::from_millis(20);
/// Before one is started again that ended although nobody told it to.
const LONGER_PAUSE: Duration = Duration::from_millis(200);
/// What each may take to end in order.
const GRACE: Duration = Duration::from_secs(40);

/// What a process is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// It serves the API there.
    Api(SocketAddr),
    /// It serves that backend, or stands by to do so.
    Host(BackendName),
}

/// How a process is started.
#[derive(Clone, Debug)]
pub struct Command {
    /// What it is for.
    pub role: Role,
    /// Program and arguments.
    pub words: Vec<OsString>,
}

/// One process after the other with the same command.
#[derive(Debug)]
pub struct Kept {
    command: Command,
    log: PathBuf,
    now: Mutex<Now>,
}

#[derive(Debug, Default)]
struct Now {
    running: Option<Running>,
    /// It was held still and has not been let go.
    still: bool,
    /// How those ended that nobody told to.
    by_themselves: Vec<String>,
}

#[derive(Debug)]
struct Running {
    pid: u32,
    /// Cannot come to mean another process.
    handle: OwnedFd,
    told_to_end: bool,
}

/// All processes of a service.
#[derive(Debug)]
pub struct Keeper {
    kept: Vec<Arc<Kept>>,
    stop: CancellationToken,
    tasks: TaskTracker,
    runtime: Handle,
}

impl Keeper {
    /// Starts them, with their logs in `folder`.
    pub fn start(runtime: &Handle, commands: Vec<Command>, folder: &Path) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let kept: Vec<Arc<Kept>> = commands
            .into_iter()
            .enumerate()
            .map(|(number, command)| {
                let log = folder.join(format!("{number}.log"));
                Arc::new(Kept { command, log, now: Mutex::default() })
            })
            .collect();
        for one in &kept {
            let (one, stop) = (Arc::clone(one), stop.clone());
            tasks.spawn_on(async move { one.keep(&stop).await }, runtime);
        }
        Self { kept, stop, tasks, runtime: runtime.clone() }
    }

    /// Lets a process that was held still go on after a while.
    pub fn later(&self, pause: Duration, kept: Arc<Kept>) {
        let stop = self.stop.clone();
        let go_on = async move {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
            }
            kept.lock().still = false;
            kept.signal(Signal::CONT);
        };
        self.tasks.spawn_on(go_on, &self.runtime);
    }

    /// Each of them.
    pub fn all(&self) -> &[Arc<Kept>] {
        &self.kept
    }

    /// Ends all in order. Returns when none is left.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Kept {
    /// What it is for.
    pub fn role(&self) -> &Role {
        &self.command.role
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.lock().running.as_ref().map(|running| running.pid)
    }

    /// How those ended that nobody told to.
    pub fn by_themselves(&self) -> Vec<String> {
        self.lock().by_themselves.clone()
    }

    /// Sends it a signal; the process id it went to, where it runs.
    pub fn signal(&self, signal: Signal) -> Option<u32> {
        let mut now = self.lock();
        let running = now.running.as_mut()?;
        running.told_to_end |= matches!(signal, Signal::KILL | Signal::TERM);
        pidfd_send_signal(&running.handle, signal).ok()?;
        let pid = running.pid;
        now.still |= signal == Signal::STOP;
        Some(pid)
    }

    /// Whether it is held still.
    pub fn is_still(&self) -> bool {
        self.lock().still
    }

    async fn keep(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let pause = match self.run(stop).await {
                Ok(true) => PAUSE,
                Ok(false) => LONGER_PAUSE,
                Err(error) => {
                    self.lock().by_themselves.push(format!("not started: {error:#}"));
                    LONGER_PAUSE
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Runs one to its end; whether somebody told it to.
    async fn run(&self, stop: &CancellationToken) -> Result<bool> {
        let mut daemon = self.start()?;
        let told = tokio::select! {
            status = daemon.ended() => {
                let status = status?;
                let mut now = self.lock();
                let told = now.running.take().is_some_and(|running| running.told_to_end);
                if !told {
                    now.by_themselves.push(status.to_string());
                }
                told
            }
            () = stop.cancelled() => {
                self.signal(Signal::CONT);
                self.signal(Signal::TERM);
                daemon.stop(GRACE).await?;
                true
            }
        };
        self.lock().running = None;
        Ok(told)
    }

    fn start(&self) -> Result<Daemon> {
        let log: File = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let words = TIED.1.iter().map(OsString::from).chain(self.command.words.iter().cloned());
        let daemon = Daemon::start_logged(Path::new(TIED.0), words, log)?;
        if let Some((id, pid)) = daemon.pid().and_then(|id| Some((id, Pid::from_raw(i32::try_from(id).ok()?)?))) {
            // Nobody has waited for it yet, so the number is still its own.
            let handle = pidfd_open(pid, PidfdFlags::empty())?;
            self.lock().running = Some(Running { pid: id, handle, told_to_end: false });
        }
        Ok(daemon)
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
