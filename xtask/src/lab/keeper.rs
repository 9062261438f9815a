//! The process that keeps a lab: its parent, without which it does not live.

use std::{
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use ashlar_lab::{
    Claim, Lab, Standing,
    machine::{Kernel, Lvm, Pool},
    postgres::{Postgres, Server},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};
use signal_hook::consts::SIGUSR1;

use crate::stop::Stop;

/// Between two looks whether something is asked for.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A lab that was raised. It goes with the value.
pub(super) trait Raised {
    /// What others are told of it.
    type Lab: Lab;

    /// That.
    fn lab(&self) -> Self::Lab;

    /// Where it writes what happens.
    fn log(&self) -> PathBuf;

    /// Stops it where it runs, and starts it at the same address.
    ///
    /// # Errors
    /// It does not start.
    fn restart(&mut self) -> Result<()>;
}

impl Raised for Server {
    type Lab = Postgres;

    fn lab(&self) -> Postgres {
        Postgres { address: self.address().clone(), data: self.data() }
    }

    fn log(&self) -> PathBuf {
        Self::log(self)
    }

    fn restart(&mut self) -> Result<()> {
        Ok(Self::restart(self)?)
    }
}

/// Machines, or that there need be none.
pub(super) struct Machines {
    /// On which kernel programs run.
    pub(super) kernel: Kernel,
    /// The lab's folder.
    pub(super) folder: PathBuf,
    /// Where the kernel is the machines'.
    pub(super) pool: Option<Pool>,
    /// How many those are.
    pub(super) count: usize,
}

impl Drop for Machines {
    /// What tests left on the host's kernel goes with the lab; with machines it goes anyway.
    fn drop(&mut self) {
        if self.pool.is_none() {
            let _found_by_the_next = ashlar_lab::lvm::take_down_all();
        }
    }
}

impl Raised for Machines {
    type Lab = Lvm;

    fn lab(&self) -> Lvm {
        let socket = self.pool.as_ref().map_or_else(|| self.folder.clone(), |pool| pool.socket().to_owned());
        Lvm { kernel: self.kernel.clone(), machines: self.count, socket }
    }

    fn log(&self) -> PathBuf {
        self.folder.join("last-console")
    }

    fn restart(&mut self) -> Result<()> {
        Ok(self.pool.as_ref().map_or(Ok(()), Pool::restart)?)
    }
}

/// Raises the lab and keeps it until it is told to end or its owner is gone. SIGUSR1 has it restart the lab.
///
/// # Errors
/// It cannot be raised, or not again; or another process keeps it.
pub(super) fn keep<R: Raised>(folder: &Path, owner: Option<u32>, raise: impl FnOnce(&Path) -> Result<R>) -> Result<()> {
    let stop = Stop::on_signals()?;
    let restart = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGUSR1, Arc::clone(&restart)).context("signals cannot be handled")?;
    let watched = owner.map(handle).transpose()?;
    let claim = Claim::take(folder)?.context("another process keeps it")?;
    let mut raised = raise(folder)?;
    let mut standing = Standing { lab: raised.lab(), keeper: std::process::id(), owner, starts: 1, log: raised.log() };
    claim.announce(&standing)?;
    while !stop.asked() && !ended_meanwhile(watched.as_ref())? {
        if restart.swap(false, Ordering::Relaxed) {
            raised.restart()?;
            standing.starts += 1;
            claim.announce(&standing)?;
        }
    }
    drop(raised);
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
