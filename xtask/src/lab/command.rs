//! The command line of `lab`.

use std::{
    io::IsTerminal,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use ashlar_lab::{
    Lab as Raisable, Standing,
    machine::Lvm,
    postgres::{Postgres, Server},
};
use clap::{Args, Subcommand, ValueEnum};
use xshell::{Shell, cmd};

use super::{
    control::{self, OWNER, Wanted},
    inside::{self, On},
    keeper,
    show::{Format, Told, show},
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
  cargo xtask lab up lvm                   machines with device-mapper, or the host's kernel where it has that
  cargo xtask lab shell lvm                a root shell there
  cargo xtask lab shell lvm -- lvs         one program there

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
    /// Opens its own prompt: psql, or a shell where LVM is
    Shell(Prompt),
    /// Kills all its processes at once
    Kill(Named),
    /// Stops it, where it runs, and starts it again at the same address
    Restart(Named),
    /// Runs a program where the lab's kernel is, as if it ran here; a runner for cargo and nextest
    ///
    /// It ends with the program's status. A program that is to list its tests (`--list`) runs here.
    #[command(hide = true)]
    Exec(Prompt),
    /// Runs programs for the keeper, inside a machine
    #[command(hide = true)]
    Agent {
        /// The serial line that it listens to
        line: PathBuf,
    },
    /// Keeps it in the foreground; what `up` starts
    #[command(hide = true)]
    Keep(Up),
}

/// The labs that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    /// A PostgreSQL server
    Postgres,
    /// LVM2, with iSCSI
    Lvm,
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
    /// Of postgres: does not wait for the disk, and is in memory where there is enough: for tests that lose no power
    #[arg(long)]
    quick: bool,
    /// Of lvm: on which kernel; where it is not said, the host's if that can do it
    #[arg(long, value_enum)]
    kernel: Option<On>,
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
    /// What psql gets besides; the program to run, with its arguments
    #[arg(last = true)]
    arguments: Vec<String>,
}

impl Lab {
    /// Does it for the workspace around `directory`; whether it is as asked.
    ///
    /// # Errors
    /// The backend is not installed, does not start, or is not up where it has to be.
    pub fn run(&self, directory: &Path) -> Result<bool> {
        if let Action::Exec(Prompt { named: Named { lab: Name::Lvm }, arguments }) = &self.action {
            inside::exec(directory, arguments)?;
        }
        if let Action::Agent { line } = &self.action {
            ashlar_lab::machine::serve(line).context("the line to the keeper")?;
        }
        match self.action.lab() {
            Name::Postgres => self.of::<Postgres>(directory),
            Name::Lvm => self.of::<Lvm>(directory),
        }
    }

    fn of<L: Told + Raisable>(&self, directory: &Path) -> Result<bool> {
        let cargo = Cargo::read(directory)?;
        let folder = Standing::<L>::folder(&cargo.target);
        match &self.action {
            Action::Install(named) => install(named.lab, cargo.target.join("test-logs"))?,
            Action::Up(up) => {
                let standing = control::up::<L>(&up.wanted(folder), &Stop::on_signals()?)?;
                terminal::print(&show(&standing, up.format)?);
            }
            Action::Down(down) => control::down::<L>(&folder, down.run.for_process)?,
            Action::Status(status) => return self::status::<L>(&folder, status.format),
            Action::Shell(Prompt { named, arguments }) => match named.lab {
                Name::Postgres => psql(&folder, arguments)?,
                Name::Lvm => inside::shell(&folder, arguments)?,
            },
            Action::Exec(_) | Action::Agent { .. } => bail!("{} runs no programs", L::NAME),
            Action::Kill(_) => control::kill::<L>(&folder)?,
            Action::Restart(_) => {
                let standing = control::restart::<L>(&folder, &Stop::on_signals()?)?;
                terminal::print(&show(&standing, Format::Text)?);
            }
            Action::Keep(up) => up.keep(&cargo, &folder)?,
        }
        Ok(true)
    }
}

impl Action {
    fn lab(&self) -> Name {
        match self {
            Self::Install(named) | Self::Kill(named) | Self::Restart(named) => named.lab,
            Self::Up(up) | Self::Keep(up) => up.named.lab,
            Self::Down(down) => down.named.lab,
            Self::Status(status) => status.named.lab,
            Self::Shell(prompt) | Self::Exec(prompt) => prompt.named.lab,
            Self::Agent { .. } => Name::Lvm,
        }
    }
}

impl Up {
    fn wanted(&self, folder: PathBuf) -> Wanted {
        let kernel = self.kernel.map(|on| format!("--kernel={}", on.word()));
        let options = self.quick.then(|| "--quick".to_owned()).into_iter().chain(kernel).collect();
        Wanted { folder, owner: self.run.for_process, options }
    }

    fn keep(&self, cargo: &Cargo, folder: &Path) -> Result<()> {
        let owner = self.run.for_process;
        match self.named.lab {
            Name::Postgres => keeper::keep(folder, owner, |folder| {
                Ok(if self.quick { Server::start_quick(folder) } else { Server::start(folder) }?)
            }),
            Name::Lvm => keeper::keep(folder, owner, |folder| inside::raise(cargo, folder, self.kernel)),
        }
    }
}

/// Becomes psql, so that the terminal is its own.
fn psql(folder: &Path, arguments: &[String]) -> Result<()> {
    let address = control::standing::<Postgres>(folder)?.lab.address;
    let (shell, psql) = (Shell::new()?, address.program("psql"));
    let words = cmd!(shell, "{psql}").args(address.words()).arg("--dbname=postgres").args(arguments);
    let error = Command::from(words.env("PGPASSFILE", address.pass_file())).exec();
    Err(error).context("cannot start psql")
}

fn install(lab: Name, logs: PathBuf) -> Result<()> {
    let steps = Steps::new(logs, !std::io::stderr().is_terminal(), Stop::on_signals()?)?;
    match lab {
        Name::Postgres => prerequisites::postgres(&steps, &Shell::new()?),
        Name::Lvm => prerequisites::lvm(&steps, &Shell::new()?),
    }
}

fn status<L: Told>(folder: &Path, format: Format) -> Result<bool> {
    let Some(standing) = Standing::<L>::read(folder) else {
        terminal::print(if format == Format::Json { "null\n" } else { "down\n" });
        return Ok(false);
    };
    terminal::print(&show(&standing, format)?);
    Ok(standing.lab.answers())
}
