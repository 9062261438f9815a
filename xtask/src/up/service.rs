//! The running service: started, waited for, stopped, or killed where that is what is to be seen.

use std::{
    fs::File,
    net::TcpListener,
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use xshell::{Shell, cmd};

use super::{api::Api, place::Place, programs::Programs, tail::tail};
use crate::stop::{Polled, Stop};

const POLL: Duration = Duration::from_millis(20);
const READY: Duration = Duration::from_secs(60);
/// The service gives its requests 10 s and its hosts 20 s.
const GRACE: Duration = Duration::from_secs(40);

/// `ashlar serve` as a child of this program. It is ended when this value goes.
pub struct Service {
    child: Child,
    ended: Option<ExitStatus>,
    log: std::path::PathBuf,
}

impl Service {
    /// Starts the service with the configuration of `place`.
    ///
    /// # Errors
    /// Its port is taken, or it cannot be started.
    pub fn start(programs: &Programs, place: &Place) -> Result<Self> {
        let listen = place.listen();
        // The service would say so too, but only in its log.
        if let Err(error) = TcpListener::bind(listen) {
            bail!(
                "cannot listen on {listen} ({error}): another program is there. Stop it, or give this one another \
                 port and state directory: cargo xtask up --listen 127.0.0.1:PORT --state DIR"
            );
        }
        let log = place.log();
        let written = File::options().create(true).append(true).open(&log);
        let written = written.with_context(|| format!("cannot write {}", log.display()))?;
        let (shell, program, config) = (Shell::new()?, &programs.service, place.config());
        let mut command = Command::from(cmd!(shell, "{program} serve --config {config}"));
        command.stdin(Stdio::null()).stdout(written.try_clone()?).stderr(written);
        // Ctrl-C goes to the group of the terminal: this program tells the service, and waits for it.
        command.process_group(0);
        let child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        Ok(Self { child, ended: None, log })
    }

    /// Waits until the API is healthy and the scheduler knows the backend's pool.
    ///
    /// # Errors
    /// The service ended, or it takes too long: with the end of its log.
    pub fn wait_ready(&mut self, api: &Api, stop: &Stop) -> Result<Duration> {
        self.wait_for(stop, || {
            let pools = if api.healthy() { api.get("scheduler-stats/get_pools?detail=true").ok() } else { None };
            pools.is_some_and(|pools| pools["pools"].as_array().is_some_and(|pools| !pools.is_empty()))
        })
    }

    /// Waits until the API is healthy, whether or not it has a backend yet.
    ///
    /// # Errors
    /// The service ended, or it takes too long: with the end of its log.
    pub fn wait_healthy(&mut self, api: &Api, stop: &Stop) -> Result<Duration> {
        self.wait_for(stop, || api.healthy())
    }

    fn wait_for(&mut self, stop: &Stop, mut ready: impl FnMut() -> bool) -> Result<Duration> {
        let started = Instant::now();
        let seen = stop.poll(POLL, READY, || {
            if let Some(status) = self.ended()? {
                bail!("the service ended with {status} before it was ready; the end of its log:\n{}", tail(&self.log));
            }
            Ok(ready().then(|| started.elapsed()))
        })?;
        match seen {
            Polled::Found(elapsed) => Ok(elapsed),
            Polled::TooLate => {
                bail!("the service is not ready after {} s; the end of its log:\n{}", READY.as_secs(), tail(&self.log))
            }
        }
    }

    /// Whether it ended, and how.
    ///
    /// # Errors
    /// The system does not say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().context("cannot ask after the service")?;
        }
        Ok(self.ended)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The processes it started that still run: its hosts.
    ///
    /// # Errors
    /// `/proc` cannot be read.
    pub fn hosts(&self) -> Result<Vec<u32>> {
        let mut hosts = Vec::new();
        for entry in std::fs::read_dir("/proc").context("cannot read /proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            // One that ended since has no file any more.
            let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
            if parent(&stat) == Some(self.pid()) {
                hosts.push(pid);
            }
        }
        Ok(hosts)
    }

    /// Asks it to stop, and waits; kills it when it does not.
    ///
    /// # Errors
    /// It had to be killed, or the system does not say what became of it.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        let asked = Instant::now();
        if self.ended()?.is_none() {
            signal(self.pid(), Signal::TERM);
        }
        while asked.elapsed() < GRACE {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            std::thread::sleep(POLL);
        }
        self.kill()?;
        bail!("the service did not stop within {} s and was killed; {}", GRACE.as_secs(), tail(&self.log))
    }

    /// Kills it at once, as a power cut would.
    ///
    /// # Errors
    /// The system does not say what became of it.
    pub fn kill(&mut self) -> Result<()> {
        if self.ended()?.is_none() {
            self.child.kill().context("cannot kill the service")?;
            self.ended = Some(self.child.wait().context("cannot ask after the service")?);
        }
        Ok(())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Only on the way out of an error, which is what people need to hear about.
        let _stopped = self.stop();
    }
}

/// Kills a process that the service started.
pub fn kill_host(pid: u32) {
    signal(pid, Signal::KILL);
}

fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _gone_already = kill_process(pid, signal);
    }
}

/// The parent in `/proc/PID/stat`: the second field behind the name, which may hold anything but ends in the last `)`.
fn parent(stat: &str) -> Option<u32> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    (state != "Z").then_some(parent)
}

/// The bytes of a line `VmRSS:   1234 kB` of `/proc/PID/status`.
///
/// # Errors
/// The process is gone, or the system does not say.
pub fn memory(pid: u32, line: &str) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let kib = status.lines().find_map(|found| found.strip_prefix(line)?.strip_prefix(':')?.trim().strip_suffix(" kB"));
    let kib: u64 = kib.and_then(|kib| kib.parse().ok()).with_context(|| format!("{path} has no {line}"))?;
    Ok(kib << 10)
}

/// Whether a list of the API is empty.
#[must_use]
pub fn empty(list: &Value, name: &str) -> bool {
    list[name].as_array().is_some_and(Vec::is_empty)
}

#[cfg(test)]
mod tests {
    use super::{memory, parent};

    #[test]
    fn the_parent_is_found_behind_any_name() {
        assert_eq!(parent("7 (a) S 42 7 7 0"), Some(42));
        assert_eq!(parent("7 (a) R 9 (b) S 42 7"), Some(42));
        assert_eq!(parent("7 (dead) Z 42 7"), None);
        assert_eq!(parent("nonsense"), None);
    }

    #[test]
    fn this_process_takes_memory() {
        assert!(memory(std::process::id(), "VmRSS").unwrap() > 0);
        assert!(memory(std::process::id(), "VmNone").is_err());
    }
}
