//! The LVM lab: machines, or the host's kernel; and programs that run there.

use std::{fs, os::unix::process::CommandExt, path::Path, process::Command, thread::available_parallelism};

use anyhow::{Context, Result};
use ashlar_lab::machine::{Choice, Config, Kernel, Lvm, Pool, Standing, exec as machine};
use clap::ValueEnum;
use xshell::{Shell, cmd};

use super::{control, keeper::Machines};
use crate::{affected::cargo::Cargo, itself};

/// What a machine has where the host has plenty: volume groups of tests are files in it.
const MEMORY_MIB: u64 = 3072;
const LEAST_MEMORY_MIB: u64 = 1024;

/// On which kernel the lab is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum On {
    /// The host's own
    Host,
    /// That of machines
    User,
}

impl On {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::User => "user",
        }
    }
}

/// Boots as many machines as there are processors, of one each; or finds that the host's kernel does.
pub(super) fn raise(cargo: &Cargo, folder: &Path, on: Option<On>) -> Result<Machines> {
    let choice = match on {
        None => Choice::Best,
        Some(On::Host) => Choice::Host,
        Some(On::User) => Choice::User,
    };
    let (kernel, folder) = (Kernel::choose(choice)?, folder.to_owned());
    if matches!(kernel, Kernel::Host { .. }) {
        return Ok(Machines { kernel, folder, pool: None, count: 0 });
    }
    let count = available_parallelism().map_or(1, usize::from);
    let itself = itself::path()?;
    let itself = itself.to_str().context("the path of this program is no UTF-8")?;
    let mut writable = vec![cargo.root.clone()];
    if !cargo.target.starts_with(&cargo.root) {
        writable.push(cargo.target.clone());
    }
    let config = Config {
        within: folder.clone(),
        agent: [itself, "lab", "agent"].map(str::to_owned).to_vec(),
        writable,
        memory_mib: u32::try_from(memory(count))?,
    };
    Ok(Machines { kernel, folder, pool: Some(Pool::raise(config, count)?), count })
}

/// Half of what is free, shared.
fn memory(machines: usize) -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:")?.split_whitespace().next()?.parse::<u64>().ok());
    let machines = u64::try_from(machines).unwrap_or(1);
    available.map_or(LEAST_MEMORY_MIB, |kib| kib / 1024 / 2 / machines).clamp(LEAST_MEMORY_MIB, MEMORY_MIB)
}

/// Ends this process with the program's status; returns where it cannot be started.
pub(super) fn exec(directory: &Path, words: &[String]) -> Result<()> {
    if words.iter().any(|word| word == "--list") {
        return here(words);
    }
    let itself = itself::path()?;
    // Without a look at the packages: this is called once for each test.
    let standing = match Standing::around(&itself) {
        Some(standing) => standing,
        None => control::standing::<Lvm>(&Standing::folder(&Cargo::read(directory)?.target))?,
    };
    run(&standing, &machine::Command { words: words.to_vec(), alone: true, terminal: false })
}

/// A shell, or one program; beside what tests do there.
pub(super) fn shell(folder: &Path, words: &[String]) -> Result<()> {
    let standing = control::standing::<Lvm>(folder)?;
    let words = if words.is_empty() { vec!["bash".to_owned()] } else { words.to_vec() };
    run(&standing, &machine::Command { words, alone: false, terminal: true })
}

fn run(standing: &Standing, command: &machine::Command) -> Result<()> {
    match standing.lab.kernel {
        Kernel::Host { .. } => here(&command.words),
        Kernel::User { .. } => {
            let status = machine::run(&standing.lab.socket, command)?;
            std::process::exit(status.into())
        }
    }
}

/// Becomes the program.
fn here(words: &[String]) -> Result<()> {
    let (program, arguments) = words.split_first().context("name a program")?;
    let shell = Shell::new()?;
    let error = Command::from(cmd!(shell, "{program}").args(arguments)).exec();
    Err(error).with_context(|| format!("cannot start {program}"))
}
