//! The command line of `lab`.

use std::{
    io::IsTerminal,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use ashlar_lab::postgres::Standing;
use clap::{Args, Subcommand, ValueEnum};
use xshell::{Shell, cmd};

use super::{
    control::{self, OWNER},
    keeper::{self, Kept},
    show::{Format, show},
};
use crate::{affected::cargo::Cargo, prerequisites, step::Steps, stop::Stop, terminal};

/// Raises real backends for tests, benches and people, and takes them down again
///
/// A lab is kept below the target directory by a process of its own, until `down`. Tests of this workspace find it there.
/// Whatever is killed, nothing stays: `down` and the next `up` remove what is left.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cargo xtask lab up postgres              a durable server; prints where it is
  cargo xtask lab shell postgres           psql in it
  cargo xtask lab shell postgres -- -c 'SELECT version()'
  cargo xtask lab kill postgres            kills all its processes; `restart` has it recover
  cargo xtask lab down postgres

Exit status:
  0  done; of `status`: it is up
  1  of `status`: it is not up
  2  wrong use, or not possible here")]
pub struct Lab {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Installs what the lab needs on this machine
    Install(Named),
    /// Raises it, where it is not up, and prints where it is
    Up(Up),
    /// Takes it down and removes all of it, whatever state it is in
    Down(Down),
    /// Says whether it is up, and where
    Status(Status),
    /// Opens its own prompt: psql
    Shell(Prompt),
    /// Kills all its processes at once
    Kill(Named),
    /// Stops it, where it runs, and starts it again at the same address
    Restart(Named),
    /// Keeps it in the foreground; what `up` starts
    #[command(hide = true)]
    Keep(Up),
}

/// The labs that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    /// A PostgreSQL server
    Postgres,
}

#[derive(Args, Debug)]
struct Named {
    /// Which
    #[arg(value_enum)]
    lab: Name,
}

#[derive(Args, Debug)]
struct Up {
    #[command(flatten)]
    named: Named,
    /// Does not wait for the disk, and is in memory where there is enough: for tests that lose no power
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    run: Run,
    /// How to print where it is
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Args, Debug)]
struct Down {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    run: Run,
}

#[derive(Args, Debug)]
struct Run {
    /// For the run of this process: it ends with it, and what others raised stays as it is
    #[arg(long, value_name = "PID", env = OWNER, hide_env = true)]
    for_process: Option<u32>,
}

#[derive(Args, Debug)]
struct Status {
    #[command(flatten)]
    named: Named,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Args, Debug)]
struct Prompt {
    #[command(flatten)]
    named: Named,
    /// What psql gets besides
    #[arg(last = true)]
    arguments: Vec<String>,
}

impl Lab {
    /// Does it for the workspace around `directory`; whether it is as asked.
    ///
    /// # Errors
    /// The backend is not installed, does not start, or is not up where it has to be.
    pub fn run(&self, directory: &Path) -> Result<bool> {
        let target = Cargo::read(directory)?.target;
        let folder = |named: &Named| match named.lab {
            Name::Postgres => Standing::folder(&target),
        };
        match &self.action {
            Action::Install(_) => install(target.join("test-logs"))?,
            Action::Up(up) => {
                let kept = up.kept(folder(&up.named));
                let standing = control::up(&kept, &Stop::on_signals()?)?;
                terminal::print(&show(&standing, up.format)?);
            }
            Action::Down(down) => control::down(&folder(&down.named), down.run.for_process)?,
            Action::Status(status) => return self::status(&folder(&status.named), status.format),
            Action::Shell(prompt) => prompt.open(&folder(&prompt.named))?,
            Action::Kill(named) => control::kill(&folder(named))?,
            Action::Restart(named) => {
                let standing = control::restart(&folder(named), &Stop::on_signals()?)?;
                terminal::print(&show(&standing, Format::Text)?);
            }
            Action::Keep(up) => keeper::keep(&up.kept(folder(&up.named)))?,
        }
        Ok(true)
    }
}

impl Up {
    fn kept(&self, folder: PathBuf) -> Kept {
        Kept { folder, quick: self.quick, owner: self.run.for_process }
    }
}

impl Prompt {
    /// Becomes psql, so that the terminal is its own.
    fn open(&self, folder: &Path) -> Result<()> {
        let address = control::standing(folder)?.address;
        let (shell, psql) = (Shell::new()?, address.program("psql"));
        let words = cmd!(shell, "{psql}").args(address.words()).arg("--dbname=postgres").args(&self.arguments);
        let error = Command::from(words.env("PGPASSFILE", address.pass_file())).exec();
        Err(error).context("cannot start psql")
    }
}

fn install(logs: PathBuf) -> Result<()> {
    let steps = Steps::new(logs, !std::io::stderr().is_terminal(), Stop::on_signals()?)?;
    prerequisites::postgres(&steps, &Shell::new()?)
}

fn status(folder: &Path, format: Format) -> Result<bool> {
    let Some(standing) = Standing::read(folder) else {
        terminal::print(if format == Format::Json { "null\n" } else { "down\n" });
        return Ok(false);
    };
    terminal::print(&show(&standing, format)?);
    Ok(standing.answers())
}
