//! The command line of `storm`.

use std::{
    ffi::OsString,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};
use clap::Args;
use xshell::{Shell, cmd};

use crate::{affected::cargo::Cargo, stop::Stop};

const PACKAGES: [&str; 4] = ["ashlar", "ashlar-driver-local", "ashlar-driver-lvm", PROGRAM];
const PROGRAM: &str = "ashlar-storm";

/// Kills a whole service again and again while clients are at work: `storm --help` has its options
///
/// As `cargo xtask storm --store both --kills 500 --seed 1`. Clients make, change and remove volumes; API processes,
/// hosts and the database are killed meanwhile. Then everything is held to what the clients were told.
#[derive(Args, Debug)]
#[command(disable_help_flag = true)]
pub struct Storm {
    /// Options of the storm
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<OsString>,
}

impl Storm {
    /// Builds what it takes in the workspace around `directory`, and runs it; whether all promises were kept.
    ///
    /// # Errors
    /// It does not build, or cannot be run here.
    pub fn run(&self, directory: &Path) -> Result<bool> {
        let cargo = Cargo::read(directory)?;
        let shell = Shell::new()?;
        shell.change_dir(&cargo.root);
        let packages = PACKAGES.iter().flat_map(|package| ["--package", package]);
        let mut build = Command::from(cmd!(shell, "cargo build --quiet {packages...}"));
        if !build.stdin(Stdio::null()).status().context("cargo cannot be started")?.success() {
            bail!("the programs do not build; cargo says why above");
        }
        let (program, options) = (cargo.target.join("debug").join(PROGRAM), &self.options);
        // Ctrl-C reaches the storm too, which ends what it started; this program waits for that.
        let _remembered = Stop::on_signals()?;
        shell.change_dir(directory);
        let mut storm = Command::from(cmd!(shell, "{program} {options...}"));
        match storm.status().context("the storm cannot be started")?.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => bail!("the storm was not run to its end"),
        }
    }
}
