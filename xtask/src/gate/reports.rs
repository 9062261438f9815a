//! Finds and reads the jobs' JUnit reports.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::test::junit::{Counts, read};

/// A report of more is not one of tests.
const LARGEST_REPORT: u64 = 64 << 20;
const MOST_REPORTS: usize = 1000;

/// What was found of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// No report.
    Missing,
    /// One that tells nothing: why.
    Unreadable(String),
    /// What it says.
    Read {
        /// What ran.
        counts: Counts,
        /// How many tests it names that did not run.
        not_run: usize,
    },
}

impl Report {
    /// What ran, and how many tests did not.
    #[must_use]
    pub fn counts(&self) -> (Counts, usize) {
        match self {
            Self::Read { counts, not_run } => (*counts, *not_run),
            Self::Missing | Self::Unreadable(_) => (Counts::default(), 0),
        }
    }
}

/// Reads `JOB.xml`, and all `*.xml` in a folder `JOB`, as CI systems lay out what jobs left behind. One that cannot be
/// read spoils the job.
#[must_use]
pub fn find(reports: &Path, job: &str) -> Report {
    summed(reports, job).unwrap_or_else(|error| Report::Unreadable(format!("{error:#}")))
}

fn summed(reports: &Path, job: &str) -> Result<Report> {
    let mut sum = (Counts::default(), 0);
    let files = files(reports, job)?;
    for file in &files {
        let name = file.file_name().unwrap_or_default().display();
        let size = std::fs::metadata(file).with_context(|| format!("{name} cannot be read"))?.len();
        ensure!(size <= LARGEST_REPORT, "{name} is larger than {} MiB", LARGEST_REPORT >> 20);
        let text = std::fs::read_to_string(file).with_context(|| format!("{name} cannot be read"))?;
        let (counts, not_run) = read(&text).with_context(|| name.to_string())?;
        sum.0.passed += counts.passed;
        sum.0.failed += counts.failed;
        sum.1 += not_run;
    }
    let (counts, not_run) = sum;
    Ok(if files.is_empty() { Report::Missing } else { Report::Read { counts, not_run } })
}

fn files(reports: &Path, job: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let alone = reports.join(format!("{job}.xml"));
    if alone.exists() {
        files.push(alone);
    }
    let folder = reports.join(job);
    if folder.is_dir() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "xml") {
                files.push(path);
            }
            ensure!(files.len() <= MOST_REPORTS, "there are more than {MOST_REPORTS} reports");
        }
    }
    files.sort_unstable();
    Ok(files)
}
