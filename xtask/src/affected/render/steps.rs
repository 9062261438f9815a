//! The steps of a way, in words.

use crate::affected::{
    path::RepoPath,
    plan::{Cause, Step},
};

/// The way from a path to a job on one line.
#[must_use]
pub fn chain(cause: &Cause) -> String {
    let mut line = cause.path.to_string();
    for known in &cause.steps {
        line.push_str(" → ");
        line.push_str(&step(known, &cause.path));
    }
    line
}

/// One step of a way that begins at `path`.
#[must_use]
pub fn step(step: &Step, path: &RepoPath) -> String {
    match step {
        Step::Link(at) => format!("link {at}"),
        Step::Package(name) => name.clone(),
        Step::TestsOf(name) => format!("tests of {name}"),
        Step::Reads(pattern) => format!("the job reads {pattern}"),
        Step::Rule(why) => format!("rule: {why}"),
        Step::Manifest(what) => what.clone(),
        Step::EveryPackage(what) => format!("{what} is of every package"),
        Step::Uncompared(why) => format!("cannot be compared, so every job: {why}"),
        Step::Observed(read) if read == path => "the job read it when it was last recorded".to_owned(),
        Step::Observed(read) => format!("the job looked at {read} when it was last recorded"),
        Step::Named(source) => format!("named in {source}"),
        Step::Climbs(source) => format!("{source} climbs out of its package and may read it"),
        Step::Unplaced => "no rule and no package places it, so every job".to_owned(),
    }
}
