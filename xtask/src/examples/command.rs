//! The command line of `ci-examples`.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use clap::Args;

use super::files::{FOLDER, files};
use crate::{
    affected::{cargo::Cargo, jobs::JobTable},
    terminal,
};

/// Writes ci/examples: pipelines for GitHub Actions, GitLab, Zuul and Buildkite
///
/// Each plans, runs one pipeline for each planned job, and gates. They are made from ci/jobs.toml: write them anew when
/// a job comes, goes, or changes its command, limit or policy.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cargo xtask ci-examples

Exit status:
  0  they are written
  2  a broken job table, or a folder that cannot be written")]
pub struct CiExamples {}

impl CiExamples {
    /// Writes the examples of the workspace around `directory`.
    ///
    /// # Errors
    /// The job table is broken, or a file cannot be written.
    pub fn run(&self, directory: &Path) -> Result<()> {
        let cargo = Cargo::read(directory)?;
        let table = JobTable::read(&cargo.root, &cargo.workspace)?;
        for (name, text) in files(&table.jobs) {
            let path = cargo.root.join(FOLDER).join(name);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
            }
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            terminal::print(&format!("{FOLDER}/{name}\n"));
        }
        Ok(())
    }
}
