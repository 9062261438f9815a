//! Small programs of this workspace that a run needs beside the service: examples of its crates.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::{affected::cargo::Cargo, terminal};

/// Where the examples are.
#[derive(Clone, Debug)]
pub struct Helpers(PathBuf);

impl Helpers {
    /// Builds them.
    ///
    /// # Errors
    /// They do not build; cargo has said why.
    pub fn build(cargo: &Cargo, release: bool) -> Result<Self> {
        let shell = Shell::new()?;
        shell.change_dir(&cargo.root);
        let options: &[&str] = if release { &["--release"] } else { &[] };
        terminal::complain("building what measures\n");
        let build = cmd!(shell, "cargo build --package ashlar-common --package ashlar --examples {options...}");
        build.quiet().run().context("what measures does not build; cargo says why above")?;
        Ok(Self::beside(&cargo.target.join(if release { "release" } else { "debug" })))
    }

    /// Those that were built beside programs.
    #[must_use]
    pub fn beside(programs: &Path) -> Self {
        Self(programs.join("examples"))
    }

    fn program(&self, name: &str) -> Result<PathBuf> {
        let program = self.0.join(name);
        ensure!(program.is_file(), "there is no program {}: build the examples too", program.display());
        Ok(program)
    }

    /// Puts `count` records of a kind (`volumes`, `operations`) into the store of a configuration.
    ///
    /// # Errors
    /// The store cannot be written.
    pub fn fill(&self, config: &Path, kind: &str, count: usize) -> Result<()> {
        let (shell, program, count) = (Shell::new()?, self.program("fill")?, count.to_string());
        cmd!(shell, "{program} {config} {kind} {count}").quiet().run().context("the store cannot be filled")
    }

    /// What the scheduler's own measurement prints; `None` where this workspace has none.
    ///
    /// # Errors
    /// It failed.
    pub fn place(&self) -> Result<Option<String>> {
        let Ok(program) = self.program("place") else { return Ok(None) };
        let shell = Shell::new()?;
        cmd!(shell, "{program} --json").quiet().read().map(Some).context("the scheduler cannot be measured")
    }

    /// Starts a server that answers every request with `body`, and does nothing else.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn bare(&self, directory: &Path, body: &[u8]) -> Result<Bare> {
        let (shell, program, file) = (Shell::new()?, self.program("bare")?, directory.join("bare.body"));
        std::fs::write(&file, body).with_context(|| format!("cannot write {}", file.display()))?;
        let mut command = Command::from(cmd!(shell, "{program} {file}"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("no bare server")?;
        let said = child.stdout.take().context("the bare server has no output")?;
        let process = Process(child);
        let mut line = String::new();
        BufReader::new(said).read_line(&mut line)?;
        let address = line.trim().parse().with_context(|| format!("the bare server said {line:?}, no address"))?;
        Ok(Bare { address, _process: process })
    }
}

/// A server of the floor; it ends with this value.
#[derive(Debug)]
pub struct Bare {
    /// Where it listens.
    pub address: SocketAddr,
    _process: Process,
}

#[derive(Debug)]
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It keeps nothing that it would have to put away.
        let _gone_already = self.0.kill();
        let _reaped = self.0.wait();
    }
}
