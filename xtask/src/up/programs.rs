//! The programs that are started, built where they are not given.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, bail, ensure};
use xshell::{Shell, cmd};

use crate::{affected::cargo::Cargo, terminal};

const SERVICE: &str = "ashlar";
const DRIVER: &str = "ashlar-driver-local";

/// `ashlar`, with the driver beside it where the service looks for it.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The service.
    pub service: PathBuf,
    /// The local driver's host.
    pub driver: PathBuf,
}

impl Programs {
    /// Builds both. With `quiet` cargo says only what goes wrong.
    ///
    /// # Errors
    /// They do not build; cargo has said why.
    pub fn build(cargo: &Cargo, release: bool, quiet: bool) -> Result<Self> {
        let shell = Shell::new()?;
        shell.change_dir(&cargo.root);
        let mut options = vec![];
        options.extend(release.then_some("--release"));
        options.extend(quiet.then_some("--quiet"));
        terminal::complain(if release { "building the programs, optimised\n" } else { "building the programs\n" });
        let started = Instant::now();
        let build = cmd!(shell, "cargo build --package {SERVICE} --package {DRIVER} {options...}");
        let mut build = Command::from(build);
        let status = build.stdin(Stdio::null()).status().context("cargo cannot be started")?;
        if !status.success() {
            bail!("the programs do not build; cargo says why above");
        }
        terminal::complain(&format!("built in {:.1} s\n", started.elapsed().as_secs_f64()));
        Self::found(&cargo.target.join(if release { "release" } else { "debug" }))
    }

    /// Takes both from `directory`.
    ///
    /// # Errors
    /// One is not there.
    pub fn found(directory: &Path) -> Result<Self> {
        let directory =
            directory.canonicalize().with_context(|| format!("there is no directory {}", directory.display()))?;
        let programs = Self { service: directory.join(SERVICE), driver: directory.join(DRIVER) };
        for program in [&programs.service, &programs.driver] {
            ensure!(program.is_file(), "there is no program {}", program.display());
        }
        Ok(programs)
    }
}
