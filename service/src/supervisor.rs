//! Keeps a host running for each backend of the configuration.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use ashlar_common::{config::Config, exec::Daemon, host::LogFormat, ids::BackendName};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::drivers;

/// Pauses before a host that died is started again grow from the first to the second. Short: one that could not reach the
/// store for the length of its lease has ended too, and is wanted as soon as the store is back.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// A host that ran so long before it died is started again with the shortest pause.
const STEADY: Duration = Duration::from_secs(60);
/// How long a host may take to end what it is doing.
const GRACE: Duration = Duration::from_secs(20);

/// How hosts are started.
#[derive(Clone, Copy, Debug)]
pub struct Launch<'a> {
    /// The configuration file, as an absolute path.
    pub config: &'a Path,
    /// Where drivers are looked for besides beside this program: a `PATH`.
    pub search: &'a OsStr,
    /// What hosts log: as this service does.
    pub log: &'a str,
    /// How they log: as this service does.
    pub log_format: LogFormat,
}

/// What it takes to start one host.
#[derive(Clone, Debug)]
struct Host {
    backend: BackendName,
    program: PathBuf,
    args: Vec<OsString>,
}

/// Starts a host for each backend, and again when one dies, until `stop` fires; then ends them.
///
/// # Errors
/// When a driver's executable cannot be found; no host was started.
pub fn start(config: &Config, launch: &Launch<'_>, stop: &CancellationToken) -> Result<TaskTracker> {
    let mut hosts = Vec::new();
    for (backend, section) in &config.backends {
        let mut args: Vec<OsString> = vec!["run".into(), "--until-stdin-closes".into()];
        args.extend(["--config".into(), launch.config.into(), "--backend".into(), backend.as_str().into()]);
        args.extend(["--log".into(), launch.log.into(), "--log-format".into(), launch.log_format.to_string().into()]);
        hosts.push(Host { backend: backend.clone(), program: drivers::find(&section.driver, launch.search)?, args });
    }
    let tasks = TaskTracker::new();
    for host in hosts {
        let stop = stop.clone();
        tasks.spawn(async move { keep(&host, &stop).await });
    }
    tasks.close();
    Ok(tasks)
}

async fn keep(host: &Host, stop: &CancellationToken) {
    let mut pause = PAUSE.0;
    loop {
        let started = Instant::now();
        match Daemon::start(&host.program, host.args.iter().cloned()) {
            Ok(mut daemon) => {
                tracing::info!(backend = %host.backend, pid = daemon.pid(), "host started");
                tokio::select! {
                    status = daemon.ended() => match status {
                        Ok(status) => tracing::error!(backend = %host.backend, %status, "host ended"),
                        Err(error) => tracing::error!(backend = %host.backend, %error, "host lost"),
                    },
                    () = stop.cancelled() => {
                        if let Err(error) = daemon.stop(GRACE).await {
                            tracing::error!(backend = %host.backend, %error, "host not ended");
                        }
                        return;
                    }
                }
            }
            Err(error) => {
                tracing::error!(backend = %host.backend, program = %host.program.display(), %error, "host not started");
            }
        }
        pause = if started.elapsed() > STEADY { PAUSE.0 } else { (pause * 2).min(PAUSE.1) };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
    }
}
