//! The command line of `bench`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use super::{
    figures::{Profile, Report, markdown},
    machine::Machine,
    measure::{Size, measure},
};
use crate::{affected::cargo::Cargo, stop::Stop, terminal, up::programs::Programs};

/// Measures the service on this machine and prints a Markdown table
///
/// Builds the programs and starts them in a directory of its own, which it removes. Where the machine itself sets
/// a floor, such as a file made and synced, it is measured in the same run, and the table says how many times as long
/// the service takes.
#[derive(Args, Debug)]
pub struct Bench {
    /// Writes the figures to this file as well
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measures less of everything, and the programs as the tests have them instead of optimised ones
    #[arg(long)]
    quick: bool,
    /// Takes the programs from this directory and builds nothing
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
}

impl Bench {
    /// Runs it in the workspace around `directory`.
    ///
    /// # Errors
    /// The programs do not build, or the service does not do what it is measured at.
    pub fn run(&self, directory: &Path) -> Result<bool> {
        let cargo = Cargo::read(directory)?;
        let (programs, profile) = match (&self.programs, self.quick) {
            (Some(given), _) => (Programs::found(given)?, Profile::Given),
            (None, false) => (Programs::build(&cargo, true, false)?, Profile::Release),
            (None, true) => (Programs::build(&cargo, false, false)?, Profile::Dev),
        };
        let stop = Stop::on_signals()?;
        let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(&cargo.target);
        let folder = folder.with_context(|| format!("cannot make a directory in {}", cargo.target.display()))?;
        let machine = Machine::read(folder.path())?;
        let size = if self.quick { Size::QUICK } else { Size::FULL };
        let figures = measure(&programs, folder.path(), size, &stop)?;
        let report = Report { machine, profile, figures };
        terminal::print(&markdown(&report));
        if let Some(path) = &self.json {
            let text = serde_json::to_string_pretty(&report)?;
            std::fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(true)
    }
}
