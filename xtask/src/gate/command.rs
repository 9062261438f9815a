//! The command line of `gate`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use super::{
    judge::{judge, passes},
    render::{json, text},
    reports::find,
};
use crate::{affected::render::json::Document, terminal};

/// Says whether the jobs that a plan demanded ran, and passed
///
/// Takes the plan of `affected-tests --format json` and the jobs' JUnit reports: JOB.xml, or all *.xml in a folder JOB.
/// A job that votes and was to run stops the change if a test of it failed or did not run, if it ran no test, or if its
/// report is missing or cannot be read. Jobs without a vote, skipped and unaffected ones are shown.
///
/// It reports always, also where no job was to run: make it the one required check.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cargo xtask affected-tests --format json > plan.json
  cargo xtask gate --plan plan.json --reports target/nextest/ci

Exit status:
  0  the change may go in
  1  a job stops it
  2  no judgement: the plan cannot be read, or is none")]
pub struct Gate {
    /// The plan, as `affected-tests --format json` printed it
    #[arg(long, value_name = "PLAN.json")]
    plan: PathBuf,
    /// The folder of the jobs' reports
    #[arg(long, value_name = "DIR")]
    reports: PathBuf,
    /// How to print the judgement
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How a judgement is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for people
    Text,
    /// One document for programs
    Json,
}

impl Gate {
    /// Judges and prints; whether the change may go in. Paths are taken from `directory`.
    ///
    /// # Errors
    /// The plan cannot be read, or is none.
    pub fn run(&self, directory: &Path) -> Result<bool> {
        let shown = self.plan.display();
        let text_of_plan =
            std::fs::read_to_string(directory.join(&self.plan)).with_context(|| format!("{shown} cannot be read"))?;
        let plan = Document::parse(&text_of_plan).with_context(|| format!("{shown} is not usable"))?;
        let reports = directory.join(&self.reports);
        let judged = judge(&plan, |job| find(&reports, job));
        match self.format {
            Format::Text => terminal::print(&text(&judged)),
            Format::Json => terminal::print_exact(json(&judged)?.as_bytes())?,
        }
        Ok(passes(&judged))
    }
}
