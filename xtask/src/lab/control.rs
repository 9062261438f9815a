//! Begins and ends keepers, and speaks with the one that there is.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use ashlar_lab::{Claim, Lab, Standing};
use rustix::process::{Pid, Signal, kill_process};
use xshell::{Shell, cmd};

use crate::{
    itself,
    stop::{Polled, Stop},
    terminal,
};

/// In which a command that raises or lowers a lab finds the process that it does so for.
pub const OWNER: &str = "ASHLAR_LAB_OWNER";
const LOOK_AGAIN: Duration = Duration::from_millis(20);
const UP_LIMIT: Duration = Duration::from_secs(300);
/// A server that is told to end writes out what it has.
const DOWN_LIMIT: Duration = Duration::from_secs(90);

/// What is raised, and for whom.
pub(super) struct Wanted {
    /// The lab's folder.
    pub(super) folder: PathBuf,
    /// The process with which it ends.
    pub(super) owner: Option<u32>,
    /// The options of `lab keep`.
    pub(super) options: Vec<String>,
}

/// The lab that stands already, or a new one.
///
/// # Errors
/// It does not start: with what its keeper said.
pub(super) fn up<L: Lab>(wanted: &Wanted, stop: &Stop) -> Result<Standing<L>> {
    if let Some(standing) = Standing::read(&wanted.folder) {
        return Ok(standing);
    }
    let mut keeper = begin(L::NAME, wanted)?;
    let announced = stop.poll(LOOK_AGAIN, UP_LIMIT, || {
        let ended = keeper.try_wait()?.is_some();
        let standing = Standing::read(&wanted.folder);
        if ended && standing.is_none() {
            bail!("{} is not up: {}", L::NAME, said(&wanted.folder));
        }
        Ok(standing)
    });
    match announced {
        Ok(Polled::Found(standing)) => Ok(standing),
        other => {
            end(&mut keeper)?;
            other.and_then(|_| bail!("{} took longer than {} s to come up", L::NAME, UP_LIMIT.as_secs()))
        }
    }
}

/// Ends the keeper, with its lab, and removes what is there; that of another run than `owner`'s stays.
///
/// # Errors
/// The keeper does not end, or its files are another user's.
pub(super) fn down<L: Lab>(folder: &Path, owner: Option<u32>) -> Result<()> {
    let standing = Standing::<L>::read(folder);
    if let (Some(standing), Some(_)) = (&standing, owner)
        && standing.owner != owner
    {
        terminal::complain(&format!("{} stays up: another raised it\n", L::NAME));
        return Ok(());
    }
    if let Some(standing) = &standing {
        tell(standing.keeper, Signal::TERM)?;
    }
    let ended = Stop::default().poll(LOOK_AGAIN, DOWN_LIMIT, || Ok(Claim::<L>::take(folder)?))?;
    let Polled::Found(_claim) = ended else {
        let keeper =
            standing.map_or_else(|| "its keeper".to_owned(), |standing| format!("process {}", standing.keeper));
        bail!("{} is not down: {keeper} did not end within {} s", L::NAME, DOWN_LIMIT.as_secs());
    };
    fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))
}

/// Kills the lab's processes, and leaves its keeper.
///
/// # Errors
/// It is not up.
pub(super) fn kill<L: Lab>(folder: &Path) -> Result<()> {
    Ok(standing::<L>(folder)?.lab.kill()?)
}

/// Has the keeper start the lab again.
///
/// # Errors
/// It is not up, or does not start.
pub(super) fn restart<L: Lab>(folder: &Path, stop: &Stop) -> Result<Standing<L>> {
    let before = standing::<L>(folder)?;
    tell(before.keeper, Signal::USR1)?;
    let again = stop.poll(LOOK_AGAIN, UP_LIMIT, || match Standing::<L>::read(folder) {
        None => bail!("{} did not start again: {}", L::NAME, said(folder)),
        Some(now) => Ok((now.starts > before.starts).then_some(now)),
    })?;
    match again {
        Polled::Found(standing) => Ok(standing),
        Polled::TooLate => bail!("{} took longer than {} s to start again", L::NAME, UP_LIMIT.as_secs()),
    }
}

/// The lab that stands.
///
/// # Errors
/// None does.
pub(super) fn standing<L: Lab>(folder: &Path) -> Result<Standing<L>> {
    Standing::read(folder).with_context(|| format!("{0} is not up: `cargo xtask lab up {0}`", L::NAME))
}

/// Starts a keeper, which stays when this process ends.
fn begin(name: &str, wanted: &Wanted) -> Result<Child> {
    fs::create_dir_all(&wanted.folder).with_context(|| format!("cannot make {}", wanted.folder.display()))?;
    let log = log(&wanted.folder);
    let written = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let itself = itself::path()?;
    let shell = Shell::new()?;
    let owner = wanted.owner.map(|owner| format!("--for-process={owner}"));
    let mut command = Command::from(cmd!(shell, "{itself} lab keep {name}").args(&wanted.options).args(owner));
    command.stdin(Stdio::null()).stdout(written.try_clone()?).stderr(written);
    // Ctrl-C at the terminal where it was raised is not for the lab.
    command.process_group(0);
    command.spawn().with_context(|| format!("cannot start {}", itself.display()))
}

fn tell(keeper: u32, signal: Signal) -> Result<()> {
    let process = i32::try_from(keeper).ok().and_then(Pid::from_raw).context("its keeper has no number")?;
    match kill_process(process, signal) {
        Err(rustix::io::Errno::SRCH) => Ok(()),
        told => told.with_context(|| format!("cannot signal process {keeper}")),
    }
}

/// Its lab ends with it.
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
