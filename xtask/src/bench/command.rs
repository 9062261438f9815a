//! The command line of `bench`.

use std::{
    io::IsTerminal,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use super::{
    figures::{Profile, Report},
    helpers::Helpers,
    machine::Machine,
    part::{Part, Size},
    progress::Progress,
    run::Run,
    store::Stores,
    table::{markdown, shown},
};
use crate::{affected::cargo::Cargo, stop::Stop, terminal, up::programs::Programs};

/// Measures the service on this machine and prints Markdown tables
///
/// Builds the programs and starts them in a directory of its own, which it removes. Where the machine itself sets
/// a floor, such as a file made and synced, it is measured in the same run, and the table says how many times as much
/// the service takes. Beside stand what is aimed at, and what Cinder takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cargo xtask bench                              everything, as docs/performance.md has it
  cargo xtask bench --quick --only create,get    a first look, on programs that are quick to build
  cargo xtask bench --store postgres             over PostgreSQL alone
  cargo xtask bench --only memory --soak 60      whether memory stays flat for an hour

Exit status:
  0  measured; with --strict: and every aim met
  1  with --strict: an aim was missed
  2  wrong use, or the service did not do what it was measured at")]
pub struct Bench {
    /// What the service keeps its records in
    #[arg(long, value_enum, default_value_t)]
    store: Stores,
    /// Measures these parts only
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PART")]
    only: Vec<Part>,
    /// Watches the memory for so long under load, with the part `memory`
    #[arg(long, value_name = "MINUTES", default_value_t = 0)]
    soak: u64,
    /// Writes the figures to this file as well
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Measures less of everything, and the programs as the tests have them instead of optimised ones
    #[arg(long)]
    quick: bool,
    /// Exits with 1 where an aim is missed
    #[arg(long)]
    strict: bool,
    /// Takes the programs from this directory and builds nothing; the examples are in its directory `examples`
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// Prints plain lines [default: where standard error is no terminal, and where CI is set]
    #[arg(long, env = "CI", value_parser = clap::builder::FalseyValueParser::new(), hide_env = true)]
    plain: bool,
}

impl Bench {
    /// Runs it in the workspace around `directory`; whether what is to be met was met.
    ///
    /// # Errors
    /// The programs do not build, or the service does not do what it is measured at.
    pub fn run(&self, directory: &Path) -> Result<bool> {
        let cargo = Cargo::read(directory)?;
        let (programs, helpers, profile) = self.programs(&cargo)?;
        let stop = Stop::on_signals()?;
        let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(&cargo.target);
        let folder = folder.with_context(|| format!("cannot make a directory in {}", cargo.target.display()))?;
        let machine = Machine::read(folder.path())?;
        let asked = if self.only.is_empty() { Part::value_variants() } else { &self.only };
        let run = Run {
            programs: &programs,
            helpers: &helpers,
            directory: folder.path(),
            servers: &cargo.target.join("lab/bench"),
            parts: asked.iter().copied().collect(),
            size: if self.quick { Size::QUICK } else { Size::FULL },
            soak: self.soak,
            progress: Progress::new(self.plain || !std::io::stderr().is_terminal()),
            stop: &stop,
        };
        let machine_figures = run.machine()?;
        let stores = self.store.engines().iter().map(|engine| run.store(*engine)).collect::<Result<_>>()?;
        drop(run);
        let report = Report { machine, profile, machine_figures, stores };
        terminal::print(&markdown(&report));
        if let Some(path) = &self.json {
            let text = serde_json::to_string_pretty(&report)?;
            std::fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(!self.strict || well(&report))
    }

    fn programs(&self, cargo: &Cargo) -> Result<(Programs, Helpers, Profile)> {
        if let Some(given) = &self.programs {
            return Ok((Programs::found(given)?, Helpers::beside(given), Profile::Given));
        }
        let (release, profile) = if self.quick { (false, Profile::Dev) } else { (true, Profile::Release) };
        Ok((Programs::build(cargo, release, false)?, Helpers::build(cargo, release)?, profile))
    }
}

/// Whether no aim was missed; says which were.
fn well(report: &Report) -> bool {
    let missed: Vec<_> = report.missed().collect();
    for figure in &missed {
        terminal::complain(&format!("missed: {}: {}\n", figure.name, shown(figure.value, figure.unit)));
    }
    missed.is_empty()
}
