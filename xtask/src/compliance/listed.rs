//! The cases that a test program says it has: each must leave a result.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

/// A case, as its test is called: `subject::group::NN_name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// The driver in one configuration on one kind of backend.
    pub subject: String,
    /// The behaviour's number.
    pub number: u8,
    /// What it is about.
    pub group: String,
    /// What it proves.
    pub name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct List {
    rust_suites: BTreeMap<String, Suite>,
}

#[derive(Deserialize)]
struct Suite {
    testcases: BTreeMap<String, Test>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Test {
    filter_match: Match,
}

#[derive(Deserialize)]
struct Match {
    status: String,
}

/// The names of tests that a filter matched, from `cargo nextest list --message-format json`.
///
/// # Errors
/// It is no such list.
pub fn tests(list: &str) -> Result<Vec<String>> {
    let list: List = serde_json::from_str(list).context("nextest's list is not what it was")?;
    let tests = list.rust_suites.into_values().flat_map(|suite| suite.testcases);
    let matched = tests.filter(|(_, test)| test.filter_match.status == "matches");
    // What is unsupported says so in front of its name.
    Ok(matched.map(|(name, _)| name.split_once("] ").map_or(name.clone(), |(_, name)| name.to_owned())).collect())
}

/// The cases among them.
#[must_use]
pub fn cases(tests: &[String]) -> Vec<Listed> {
    let case = |test: &String| {
        let (subject, rest) = test.split_once("::")?;
        let (group, rest) = rest.split_once("::")?;
        let (number, name) = rest.split_once('_')?;
        let (subject, group, name) = (subject.to_owned(), group.to_owned(), name.to_owned());
        Some(Listed { subject, number: number.parse().ok()?, group, name })
    };
    let mut cases: Vec<Listed> = tests.iter().filter_map(case).collect();
    cases.sort();
    cases
}
