//! Begins and ends keepers, and speaks with the one that there is.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use ashlar_lab::postgres::{Claim, Standing};
use rustix::process::{Pid, Signal, kill_process};
use xshell::{Shell, cmd};

use super::keeper::Kept;
use crate::{
    stop::{Polled, Stop},
    terminal,
};

/// In which a command that raises or lowers a lab finds the process that it does so for.
pub const OWNER: &str = "ASHLAR_LAB_OWNER";
const LOOK_AGAIN: Duration = Duration::from_millis(20);
const UP_LIMIT: Duration = Duration::from_secs(300);
/// A server that is told to end writes out what it has.
const DOWN_LIMIT: Duration = Duration::from_secs(90);

/// The server that stands already, or a new one.
///
/// # Errors
/// It does not start: with what its keeper said.
pub(super) fn up(kept: &Kept, stop: &Stop) -> Result<Standing> {
    if let Some(standing) = Standing::read(&kept.folder) {
        return Ok(standing);
    }
    let mut keeper = begin(kept)?;
    let announced = stop.poll(LOOK_AGAIN, UP_LIMIT, || {
        let ended = keeper.try_wait()?.is_some();
        let standing = Standing::read(&kept.folder);
        if ended && standing.is_none() {
            bail!("postgres is not up: {}", said(&kept.folder));
        }
        Ok(standing)
    });
    match announced {
        Ok(Polled::Found(standing)) => Ok(standing),
        other => {
            end(&mut keeper)?;
            other.and_then(|_| bail!("postgres took longer than {} s to come up", UP_LIMIT.as_secs()))
        }
    }
}

/// Ends the keeper, with its server, and removes what is there; that of another run than `owner`'s stays.
///
/// # Errors
/// The keeper does not end, or its files are another user's.
pub(super) fn down(folder: &Path, owner: Option<u32>) -> Result<()> {
    let standing = Standing::read(folder);
    if let (Some(standing), Some(_)) = (&standing, owner)
        && standing.owner != owner
    {
        terminal::complain("postgres stays up: another raised it\n");
        return Ok(());
    }
    if let Some(standing) = &standing {
        tell(standing, Signal::TERM)?;
    }
    let ended = Stop::default().poll(LOOK_AGAIN, DOWN_LIMIT, || Ok(Claim::take(folder)?))?;
    let Polled::Found(_claim) = ended else {
        let keeper =
            standing.map_or_else(|| "its keeper".to_owned(), |standing| format!("process {}", standing.keeper));
        bail!("postgres is not down: {keeper} did not end within {} s", DOWN_LIMIT.as_secs());
    };
    fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))
}

/// Kills the server's processes, and leaves its keeper.
///
/// # Errors
/// It is not up.
pub(super) fn kill(folder: &Path) -> Result<()> {
    Ok(standing(folder)?.kill()?)
}

/// Has the keeper start the server again.
///
/// # Errors
/// It is not up, or does not start.
pub(super) fn restart(folder: &Path, stop: &Stop) -> Result<Standing> {
    let before = standing(folder)?;
    tell(&before, Signal::USR1)?;
    let again = stop.poll(LOOK_AGAIN, UP_LIMIT, || match Standing::read(folder) {
        None => bail!("postgres did not start again: {}", said(folder)),
        Some(now) => Ok((now.starts > before.starts).then_some(now)),
    })?;
    match again {
        Polled::Found(standing) => Ok(standing),
        Polled::TooLate => bail!("postgres took longer than {} s to start again", UP_LIMIT.as_secs()),
    }
}

/// The server that stands.
///
/// # Errors
/// None does.
pub(super) fn standing(folder: &Path) -> Result<Standing> {
    Standing::read(folder).context("postgres is not up: `cargo xtask lab up postgres`")
}

/// Starts a keeper, which stays when this process ends.
fn begin(kept: &Kept) -> Result<Child> {
    fs::create_dir_all(&kept.folder).with_context(|| format!("cannot make {}", kept.folder.display()))?;
    let log = log(&kept.folder);
    let written = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let itself = std::env::current_exe().context("cannot tell which program this is")?;
    let shell = Shell::new()?;
    let quick = kept.quick.then_some("--quick");
    let owner = kept.owner.map(|owner| format!("--for-process={owner}"));
    let mut command = Command::from(cmd!(shell, "{itself} lab keep postgres").args(quick).args(owner));
    command.stdin(Stdio::null()).stdout(written.try_clone()?).stderr(written);
    // Ctrl-C at the terminal where it was raised is not for the lab.
    command.process_group(0);
    command.spawn().with_context(|| format!("cannot start {}", itself.display()))
}

fn tell(standing: &Standing, signal: Signal) -> Result<()> {
    let keeper = i32::try_from(standing.keeper).ok().and_then(Pid::from_raw).context("its keeper has no number")?;
    match kill_process(keeper, signal) {
        Err(rustix::io::Errno::SRCH) => Ok(()),
        told => told.with_context(|| format!("cannot signal process {}", standing.keeper)),
    }
}

/// Its server ends with it.
fn end(keeper: &mut Child) -> Result<()> {
    keeper.kill()?;
    keeper.wait()?;
    Ok(())
}

fn log(folder: &Path) -> PathBuf {
    folder.join("keeper.log")
}

fn said(folder: &Path) -> String {
    fs::read_to_string(log(folder)).map_or_else(|error| error.to_string(), |said| said.trim().to_owned())
}
