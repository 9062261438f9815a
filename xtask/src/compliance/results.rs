//! What the suite wrote, a file a case.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// How a case ended; as `ashlar_conformance::outcome::Outcome` writes it, and one more that no case can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything held.
    Passed,
    /// The driver does not claim the capability, and was seen not to offer it.
    Unsupported,
    /// The backend or a tool is not here.
    NotRun,
    /// The case was to run, and left no result.
    NoResult,
    /// Something did not hold.
    Failed,
}

impl Outcome {
    /// Whether a green run may have it.
    #[must_use]
    pub fn is_well(self) -> bool {
        matches!(self, Self::Passed | Self::Unsupported)
    }

    /// In one word, for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Unsupported => "unsupported",
            Self::NotRun => "NOT RUN",
            Self::NoResult => "NO RESULT",
            Self::Failed => "FAILED",
        }
    }
}

/// The result of a case.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Case {
    /// The driver in one configuration on one kind of backend.
    pub subject: String,
    /// The behaviour's number.
    pub number: u8,
    /// What it is about.
    pub group: String,
    /// What it proves.
    pub name: String,
    /// The clauses of the driver trait that it follows from.
    #[serde(default)]
    pub clauses: Vec<String>,
    /// What the driver must claim for it to apply; `core` for nothing.
    #[serde(default)]
    pub need: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, in words; empty where it passed.
    #[serde(default)]
    pub detail: String,
    /// How long it took.
    #[serde(default)]
    pub milliseconds: u64,
    /// What was left to chance.
    #[serde(default)]
    pub seed: u64,
}

/// All results in a folder, by subject and number; none where there is no such folder.
///
/// # Errors
/// A file that cannot be read, or is no result.
pub fn read(folder: &Path) -> Result<Vec<Case>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("cannot read {}", folder.display()))?,
    };
    let mut cases = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let case: Case = serde_json::from_str(&text).with_context(|| format!("{} is no result", path.display()))?;
            cases.push(case);
        }
    }
    cases.sort_by(|a, b| (&a.subject, a.number).cmp(&(&b.subject, b.number)));
    Ok(cases)
}
