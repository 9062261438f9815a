//! The process that keeps a lab: the server's parent, without which it does not live.

use std::{
    os::fd::OwnedFd,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use ashlar_lab::postgres::{Claim, Server, Standing};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};
use signal_hook::consts::SIGUSR1;

use crate::stop::Stop;

/// Between two looks whether something is asked for.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What is kept, and how long.
pub(super) struct Kept {
    /// The lab's folder.
    pub(super) folder: PathBuf,
    /// In memory, and not durable.
    pub(super) quick: bool,
    /// The process with which it ends.
    pub(super) owner: Option<u32>,
}

/// Raises the server and keeps it until it is told to end or its owner is gone. SIGUSR1 has it restart the server.
///
/// # Errors
/// It cannot be raised, or not again; or another process keeps it.
pub(super) fn keep(kept: &Kept) -> Result<()> {
    let stop = Stop::on_signals()?;
    let restart = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGUSR1, Arc::clone(&restart)).context("signals cannot be handled")?;
    let owner = kept.owner.map(handle).transpose()?;
    let claim = Claim::take(&kept.folder)?.context("another process keeps it")?;
    let mut server = if kept.quick { Server::start_quick(&kept.folder) } else { Server::start(&kept.folder) }?;
    let mut standing = Standing {
        address: server.address().clone(),
        keeper: std::process::id(),
        owner: kept.owner,
        starts: 1,
        data: server.data(),
        log: server.log(),
    };
    claim.announce(&standing)?;
    while !stop.asked() && !ended_meanwhile(owner.as_ref())? {
        if restart.swap(false, Ordering::Relaxed) {
            server.restart()?;
            standing.starts += 1;
            claim.announce(&standing)?;
        }
    }
    drop(server);
    Ok(())
}

/// By which the end of a process is seen, whoever gets its number next.
fn handle(process: u32) -> Result<OwnedFd> {
    let gone = || format!("there is no process {process} to end with");
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw).with_context(gone)?;
    pidfd_open(pid, PidfdFlags::empty()).with_context(gone)
}

/// Waits a moment; whether the owner ended.
fn ended_meanwhile(owner: Option<&OwnedFd>) -> Result<bool> {
    let mut watched: Vec<_> = owner.iter().map(|owner| PollFd::new(*owner, PollFlags::IN)).collect();
    match poll(&mut watched, Some(&Timespec::try_from(LOOK_AGAIN)?)) {
        Err(rustix::io::Errno::INTR) => Ok(false),
        polled => Ok(polled? > 0),
    }
}
