//! The command line of `drivers`.

use std::path::Path;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use super::{
    describe::{Described, described},
    page::{MATRIX, matrix, options, readme, with_options},
    text::text,
};
use crate::{affected::cargo::Cargo, compliance::found, terminal};

/// Prints what each driver of the workspace is: vendor, protocol, capabilities, a sample of statistics, options
///
/// Builds the drivers and asks each executable (`describe`), on a backend in a temporary directory where it can have one.
/// With --write the options tables of drivers/NAME/README.md and the support matrix docs/drivers.md are written anew; a
/// tidy test holds them to what the drivers say.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cargo xtask drivers                    all of it, for people
  cargo xtask drivers --format json      for programs
  cargo xtask drivers --format md        the support matrix and the options tables
  cargo xtask drivers --write            brings the documentation up to date

Exit status:
  0  done
  2  wrong use, or a driver does not build or does not say what it is")]
pub struct Drivers {
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Writes the documentation instead
    #[arg(long)]
    write: bool,
}

/// How it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// Markdown
    Md,
    /// One document for programs
    Json,
}

/// A file of the documentation, as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Relative to the workspace root.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl Drivers {
    /// Prints or writes, in the workspace around `directory`.
    ///
    /// # Errors
    /// A driver does not build, or does not say what it is.
    pub fn run(&self, directory: &Path) -> Result<()> {
        let cargo = Cargo::read(directory)?;
        let drivers = described(&cargo.root, &cargo.target, &found::drivers(&cargo.root)?)?;
        if self.write {
            for page in pages(&cargo.root, &drivers)? {
                let path = cargo.root.join(&page.path);
                std::fs::write(&path, page.text).with_context(|| format!("cannot write {}", path.display()))?;
                terminal::complain(&format!("wrote {}\n", page.path));
            }
            return Ok(());
        }
        match self.format {
            Format::Text => terminal::print(&text(&drivers)),
            Format::Md => terminal::print(&markdown(&drivers)),
            Format::Json => {
                let document = serde_json::json!({ "schema": 1, "drivers": drivers });
                terminal::print_exact((serde_json::to_string_pretty(&document)? + "\n").as_bytes())?;
            }
        }
        Ok(())
    }
}

fn markdown(drivers: &[Described]) -> String {
    let section = |driver: &Described| format!("\n## {}\n\n{}", driver.name, options(&driver.options));
    matrix(drivers) + &drivers.iter().map(section).collect::<String>()
}

/// The documentation as it must be.
///
/// # Errors
/// A README cannot be read, or has no place for the options.
pub fn pages(root: &Path, drivers: &[Described]) -> Result<Vec<Page>> {
    let mut pages = vec![Page { path: MATRIX.to_owned(), text: matrix(drivers) }];
    for driver in drivers {
        let path = readme(&driver.name);
        let now = std::fs::read_to_string(root.join(&path)).with_context(|| format!("cannot read {path}"))?;
        let text = with_options(&now, driver).with_context(|| path.clone())?;
        pages.push(Page { path, text });
    }
    Ok(pages)
}
