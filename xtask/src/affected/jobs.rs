//! `ci/jobs.toml`: the jobs, what each covers, and the rules for paths that no package owns. Unknown keys are refused.

use std::{collections::BTreeMap, fmt, path::Path};

use anyhow::{Context, Result};
use globset::{GlobBuilder, GlobMatcher};
use schemars::JsonSchema;
use serde::Deserialize;

use self::file::{File, command_of, named_job, package_job, rule, wildcard};
use super::{graph::Workspace, path::RepoPath, validate};

/// Where the jobs are written, relative to the workspace root.
pub const JOBS_FILE: &str = "ci/jobs.toml";
/// The file in a package's folder that changes its job, where `[package-job]` made one.
pub const PACKAGE_JOB_FILE: &str = "job.toml";

/// The jobs of a workspace, ready to plan with.
#[derive(Clone, Debug)]
pub struct JobTable {
    /// In the order they are shown: those of the file, then those that packages brought, by name.
    pub jobs: Vec<Job>,
    /// Tried in order; the first that matches a path decides it.
    pub rules: Vec<Rule>,
    /// The labs that jobs may need.
    pub labs: Vec<Lab>,
}

/// What runs as one in CI, and gates as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Unique; `driver-<name>` for a driver.
    pub name: String,
    /// The packages whose change, or the change of what they depend on, it must see.
    pub packages: Vec<String>,
    /// The package that brought it, if one did: every change of that package's folder is the job's.
    pub brought_by: Option<String>,
    /// The nextest filterset of the tests it runs.
    pub filter: String,
    /// What CI runs.
    pub command: String,
    /// The lab (real backend) it needs raised before.
    pub lab: Option<String>,
    /// The Python environments that its tests use (see [`crate::venvs`]).
    pub venvs: Vec<String>,
    /// Whether its failure stops a change.
    pub voting: bool,
    /// How it takes part when only code that it shares with others changed.
    pub on_common_change: OnCommonChange,
    /// Who answers for it.
    pub owners: Vec<String>,
    /// After this many minutes CI ends it.
    pub timeout_minutes: u32,
    /// Paths outside its packages that it reads when it is built or run.
    pub reads: Vec<Pattern>,
    /// Whether its team says that these are all; else its sources are searched for more.
    pub reads_told: bool,
    /// Whether it is left out where it passed on the same inputs before.
    pub proofs: bool,
}

impl Job {
    /// What CI runs for a job of that name where nobody wrote another command.
    #[must_use]
    pub fn usual_command(name: &str) -> String {
        command_of(name)
    }

    /// The command that somebody wrote for it, instead of `cargo xtask test NAME`.
    #[must_use]
    pub fn own_command(&self) -> Option<&str> {
        (self.command != command_of(&self.name)).then_some(self.command.as_str())
    }
}

/// A real backend that jobs need, and how it comes and goes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Lab {
    /// What jobs call it.
    pub name: String,
    /// The shell command that raises it; it may be called where the lab is up already.
    pub raise: String,
    /// The shell command that takes it down, also one that is half up.
    pub lower: String,
    /// What the job's tests run through, as cargo's target runner: a command line that gets a test program and its
    /// arguments besides. `cargo xtask` at its beginning means the program that runs the job, which is quicker.
    pub runner: Option<String>,
}

/// What a team decided about changes of common code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnCommonChange {
    /// The job runs and votes.
    #[default]
    Gate,
    /// The job runs and is shown, without a vote.
    Check,
    /// The job does not run; the plan says so.
    Skip,
}

/// What a path means that is not simply the source of its package.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The paths it is for.
    pub paths: Vec<Pattern>,
    /// What they select.
    pub selects: Selects,
    /// Why, for people.
    pub why: String,
}

/// The jobs that a rule selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selects {
    /// None.
    None,
    /// Every job.
    All,
    /// Those named.
    Named(Vec<String>),
}

impl Selects {
    /// Whether it selects this job.
    #[must_use]
    pub fn has(&self, job: &Job) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Named(names) => names.contains(&job.name),
        }
    }
}

/// A path pattern: `*` and `?` stay within a folder, `**` crosses folders, `[ab]` and `{a,b}` choose.
#[derive(Clone, Debug)]
pub struct Pattern(GlobMatcher);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// It is none.
    pub fn new(text: &str) -> Result<Self> {
        let glob = GlobBuilder::new(text).literal_separator(true).build();
        Ok(Self(glob.with_context(|| format!("`{text}` is no path pattern"))?.compile_matcher()))
    }

    /// Whether the path matches, byte by byte.
    #[must_use]
    pub fn matches(&self, path: &RepoPath) -> bool {
        self.0.is_match(path.to_path_buf())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.glob().glob())
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.glob() == other.0.glob()
    }
}

impl Eq for Pattern {}

impl JobTable {
    /// Reads `ci/jobs.toml` and each package's `job.toml` below `root`, and checks them against the workspace.
    ///
    /// # Errors
    /// A file that is absent or wrong (with its line), or a table that does not fit the workspace.
    pub fn read(root: &Path, workspace: &Workspace) -> Result<Self> {
        let text = std::fs::read_to_string(root.join(JOBS_FILE))
            .with_context(|| format!("the jobs are read from {JOBS_FILE} at the workspace root"))?;
        let mut own = BTreeMap::new();
        for (_, package) in workspace.members() {
            let Some(directory) = &package.directory else { continue };
            let file = Path::new(&*String::from_utf8_lossy(directory)).join(PACKAGE_JOB_FILE);
            match std::fs::read_to_string(root.join(&file)) {
                Ok(text) => drop(own.insert(package.name.clone(), (file.display().to_string(), text))),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
            }
        }
        Self::parse(&text, &own, workspace)
    }

    /// The same from texts: `own` maps a package's name to the name and text of its `job.toml`.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(text: &str, own: &BTreeMap<String, (String, String)>, workspace: &Workspace) -> Result<Self> {
        let file: File = toml::from_str(text).with_context(|| format!("{JOBS_FILE} is wrong"))?;
        let mut jobs = file.job.into_iter().map(named_job).collect::<Result<Vec<_>>>()?;
        let mut brought = Vec::new();
        for template in &file.package_job {
            for (_, package) in workspace.members() {
                if let Some(part) = wildcard(&template.packages, &package.name) {
                    brought.push(package_job(template, &package.name, part, own.get(&package.name))?);
                }
            }
        }
        brought.sort_by(|a: &Job, b| a.name.cmp(&b.name));
        let unused = own.iter().find(|(name, _)| !brought.iter().any(|job| job.packages.first() == Some(name)));
        if let Some((package, (file, _))) = unused {
            anyhow::bail!("{file} has no effect: no [[package-job]] of {JOBS_FILE} makes a job of package {package}");
        }
        jobs.extend(brought);
        let rules = file.rule.into_iter().map(rule).collect::<Result<Vec<_>>>()?;
        let table = Self { jobs, rules, labs: file.lab };
        validate::check(&table, &file.default_gate, workspace).with_context(|| format!("{JOBS_FILE} is wrong"))?;
        Ok(table)
    }

    /// The first rule that is for this path.
    #[must_use]
    pub fn rule(&self, path: &RepoPath) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.paths.iter().any(|pattern| pattern.matches(path)))
    }

    /// Whether somebody says that the job depends on this path: its team, or a rule.
    #[must_use]
    pub fn says(&self, job: &Job, path: &RepoPath) -> bool {
        let by_rule = self.rule(path).is_some_and(|rule| rule.selects.has(job));
        by_rule || job.reads.iter().any(|pattern| pattern.matches(path))
    }

    /// The job of that name.
    #[must_use]
    pub fn job(&self, name: &str) -> Option<&Job> {
        self.jobs.iter().find(|job| job.name == name)
    }
}

pub(super) mod file;
#[cfg(test)]
mod tests;
