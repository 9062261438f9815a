//! The files as they are written, and what they mean: defaults, templates, patterns.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{Job, OnCommonChange, Pattern, Rule, Selects};

const DEFAULT_TIMEOUT_MINUTES: u32 = 60;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct File {
    pub(super) default_gate: String,
    #[serde(default)]
    pub(super) package_job: Vec<PackageJob>,
    #[serde(default)]
    pub(super) job: Vec<NamedJob>,
    #[serde(default)]
    pub(super) rule: Vec<RawRule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct NamedJob {
    name: String,
    packages: Vec<String>,
    filter: Option<String>,
    command: Option<String>,
    lab: Option<String>,
    #[serde(default)]
    clients: bool,
    voting: Option<bool>,
    on_common_change: Option<OnCommonChange>,
    #[serde(default)]
    owners: Vec<String>,
    timeout_minutes: Option<u32>,
    #[serde(default)]
    reads: Vec<String>,
}

/// One job for each package whose name matches; `*` may stand for a part of the name, and comes back in `{}`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct PackageJob {
    pub(super) packages: String,
    name: String,
    #[serde(default)]
    owners: Vec<String>,
    command: Option<String>,
    timeout_minutes: Option<u32>,
}

/// `job.toml` in a package's folder: what its team decides about the job that the package brings.
#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct OwnJob {
    /// More packages that the job tests, beside its own.
    #[serde(default)]
    more_packages: Vec<String>,
    filter: Option<String>,
    command: Option<String>,
    lab: Option<String>,
    #[serde(default)]
    clients: bool,
    voting: Option<bool>,
    on_common_change: Option<OnCommonChange>,
    timeout_minutes: Option<u32>,
    #[serde(default)]
    reads: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    paths: Vec<String>,
    jobs: RawSelects,
    why: String,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected \"none\", \"all\" or a list of job names")]
enum RawSelects {
    Word(Word),
    Named(Vec<String>),
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    None,
    All,
}

pub(super) fn named_job(raw: NamedJob) -> Result<Job> {
    Ok(Job {
        filter: raw.filter.unwrap_or_else(|| filter_of(&raw.packages)),
        command: raw.command.unwrap_or_else(|| command_of(&raw.name)),
        packages: raw.packages,
        brought_by: None,
        lab: raw.lab,
        clients: raw.clients,
        voting: raw.voting.unwrap_or(true),
        on_common_change: raw.on_common_change.unwrap_or_default(),
        owners: raw.owners,
        timeout_minutes: raw.timeout_minutes.unwrap_or(DEFAULT_TIMEOUT_MINUTES),
        reads: patterns(&raw.reads)?,
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
        clients: own.clients,
        voting: own.voting.unwrap_or(true),
        on_common_change: own.on_common_change.unwrap_or_default(),
        owners: template.owners.iter().map(|owner| owner.replace("{}", part)).collect(),
        timeout_minutes: own.timeout_minutes.or(template.timeout_minutes).unwrap_or(DEFAULT_TIMEOUT_MINUTES),
        reads: patterns(&own.reads)?,
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

fn command_of(job: &str) -> String {
    format!("cargo xtask test {job}")
}

/// The part of `name` that `*` stands for in `pattern`.
pub(super) fn wildcard<'n>(pattern: &str, name: &'n str) -> Option<&'n str> {
    match pattern.split_once('*') {
        Some((before, after)) => name.strip_prefix(before)?.strip_suffix(after),
        None => (pattern == name).then_some(name),
    }
}
