//! The files as they are written, and what they mean: defaults, templates, patterns.

use anyhow::{Context, Result};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Job, Lab, OnCommonChange, Pattern, Rule, Selects};

const DEFAULT_TIMEOUT_MINUTES: u32 = 60;

/// The jobs of a workspace, what each covers, and what the paths mean that no package owns: `ci/jobs.toml`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "ci/jobs.toml")]
pub(in crate::affected) struct File {
    /// The job that votes on every change of common code, whatever the others choose.
    pub(super) default_gate: String,
    /// Jobs that packages bring.
    #[serde(default)]
    pub(super) package_job: Vec<PackageJob>,
    /// Jobs written out.
    #[serde(default)]
    pub(super) job: Vec<NamedJob>,
    /// The real backends that jobs may need.
    #[serde(default)]
    pub(super) lab: Vec<Lab>,
    /// Tried in order for each changed path; the first that matches decides.
    #[serde(default)]
    pub(super) rule: Vec<RawRule>,
}

/// One job.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct NamedJob {
    /// Unique: letters, digits, `-` and `_`.
    name: String,
    /// The packages whose tests it runs.
    packages: Vec<String>,
    /// The tests it runs, as a nextest filterset; default: those of its packages.
    filter: Option<String>,
    /// What CI runs; default: `cargo xtask test NAME`.
    command: Option<String>,
    /// The lab (real backend) to raise before.
    lab: Option<String>,
    /// The Python environments that its tests use, each a folder below `ci/venvs`.
    #[serde(default)]
    venvs: Vec<String>,
    /// Whether its failure stops a change; default: it does.
    voting: Option<bool>,
    /// What happens when only packages that it depends on changed.
    on_common_change: Option<OnCommonChange>,
    /// Who answers for it.
    #[serde(default)]
    owners: Vec<String>,
    /// After this many minutes it is ended; default: 60.
    timeout_minutes: Option<u32>,
    /// Patterns of all paths outside its packages that its builds and tests read. Where it is absent, sources are searched
    /// for such paths.
    reads: Option<Vec<String>>,
    /// Whether it is left out where it passed on the same inputs before.
    #[serde(default)]
    proofs: bool,
}

/// One job for each package whose name matches; `*` may stand for a part of the name, and comes back in `{}`.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct PackageJob {
    /// The name of the packages, with at most one `*`.
    pub(super) packages: String,
    /// The name of the job.
    name: String,
    /// Who answers for it.
    #[serde(default)]
    owners: Vec<String>,
    /// What CI runs; default: `cargo xtask test NAME`.
    command: Option<String>,
    /// After this many minutes it is ended; default: 60.
    timeout_minutes: Option<u32>,
}

/// What a team decides about the job that its package brings: `job.toml` in the package's folder.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "job.toml")]
pub(in crate::affected) struct OwnJob {
    /// More packages that the job tests, beside its own.
    #[serde(default)]
    more_packages: Vec<String>,
    /// The tests it runs, as a nextest filterset; default: those of its packages.
    filter: Option<String>,
    /// What CI runs; default: as in `ci/jobs.toml`.
    command: Option<String>,
    /// The lab (real backend) to raise before.
    lab: Option<String>,
    /// The Python environments that its tests use, each a folder below `ci/venvs`.
    #[serde(default)]
    venvs: Vec<String>,
    /// Whether its failure stops a change; default: it does.
    voting: Option<bool>,
    /// What happens when only packages that it depends on changed.
    on_common_change: Option<OnCommonChange>,
    /// After this many minutes it is ended; default: as in `ci/jobs.toml`.
    timeout_minutes: Option<u32>,
    /// Patterns of all paths outside its packages that its builds and tests read. Where it is absent, sources are searched
    /// for such paths.
    reads: Option<Vec<String>>,
    /// Whether it is left out where it passed on the same inputs before.
    #[serde(default)]
    proofs: bool,
}

/// What changed paths mean that are not simply a package's source.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    /// Patterns: `*` and `?` stay within a folder, `**` crosses folders, `[ab]` and `{a,b}` choose.
    paths: Vec<String>,
    /// What they select.
    jobs: RawSelects,
    /// Why, for people.
    why: String,
}

/// `"none"`, `"all"` or a list of job names.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected \"none\", \"all\" or a list of job names")]
enum RawSelects {
    /// None, or all.
    Word(Word),
    /// Those named.
    Named(Vec<String>),
}

/// None, or all.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Word {
    /// No job.
    None,
    /// Every job.
    All,
}

pub(super) fn named_job(raw: NamedJob) -> Result<Job> {
    Ok(Job {
        filter: raw.filter.unwrap_or_else(|| filter_of(&raw.packages)),
        command: raw.command.unwrap_or_else(|| command_of(&raw.name)),
        packages: raw.packages,
        brought_by: None,
        lab: raw.lab,
        venvs: raw.venvs,
        voting: raw.voting.unwrap_or(true),
        on_common_change: raw.on_common_change.unwrap_or_default(),
        owners: raw.owners,
        timeout_minutes: raw.timeout_minutes.unwrap_or(DEFAULT_TIMEOUT_MINUTES),
        proofs: raw.proofs,
        reads_told: raw.reads.is_some(),
        reads: patterns(&raw.reads.unwrap_or_default())?,
        name: raw.name,
    })
}

pub(super) fn package_job(
    template: &PackageJob,
    package: &str,
    part: &str,
    own: Option<&(String, String)>,
) -> Result<Job> {
    let own: OwnJob = match own {
        Some((file, text)) => toml::from_str(text).with_context(|| format!("{file} is wrong"))?,
        None => OwnJob::default(),
    };
    let name = template.name.replace("{}", part);
    let mut packages = vec![package.to_owned()];
    packages.extend(own.more_packages);
    let command = own.command.or_else(|| template.command.as_ref().map(|command| command.replace("{}", part)));
    Ok(Job {
        filter: own.filter.unwrap_or_else(|| filter_of(&packages)),
        command: command.unwrap_or_else(|| command_of(&name)),
        packages,
        brought_by: Some(package.to_owned()),
        lab: own.lab,
        venvs: own.venvs,
        voting: own.voting.unwrap_or(true),
        on_common_change: own.on_common_change.unwrap_or_default(),
        owners: template.owners.iter().map(|owner| owner.replace("{}", part)).collect(),
        timeout_minutes: own.timeout_minutes.or(template.timeout_minutes).unwrap_or(DEFAULT_TIMEOUT_MINUTES),
        proofs: own.proofs,
        reads_told: own.reads.is_some(),
        reads: patterns(&own.reads.unwrap_or_default())?,
        name,
    })
}

pub(super) fn rule(raw: RawRule) -> Result<Rule> {
    let selects = match raw.jobs {
        RawSelects::Word(Word::None) => Selects::None,
        RawSelects::Word(Word::All) => Selects::All,
        RawSelects::Named(names) => Selects::Named(names),
    };
    Ok(Rule { paths: patterns(&raw.paths)?, selects, why: raw.why })
}

fn patterns(texts: &[String]) -> Result<Vec<Pattern>> {
    texts.iter().map(|text| Pattern::new(text)).collect()
}

fn filter_of(packages: &[String]) -> String {
    packages.iter().map(|package| format!("package(={package})")).collect::<Vec<_>>().join(" + ")
}

pub(super) fn command_of(job: &str) -> String {
    format!("cargo xtask test {job}")
}

/// The part of `name` that `*` stands for in `pattern`.
pub(super) fn wildcard<'n>(pattern: &str, name: &'n str) -> Option<&'n str> {
    match pattern.split_once('*') {
        Some((before, after)) => name.strip_prefix(before)?.strip_suffix(after),
        None => (pattern == name).then_some(name),
    }
}
