use crate::affected::plan::{Cause, Step};

/// The way from a path to a job on one line.
#[must_use]
pub fn chain(cause: &Cause) -> String {
    let mut line = cause.path.to_string();
    for step in &cause.steps {
        line.push_str(" → ");
        match step {
            Step::Link(at) => line.push_str(&format!("link {at}")),
            Step::Package(name) => line.push_str(name),
            Step::TestsOf(name) => line.push_str(&format!("tests of {name}")),
            Step::Reads(pattern) => line.push_str(&format!("the job reads {pattern}")),
            Step::Rule(why) => line.push_str(&format!("rule: {why}")),
            Step::Manifest(what) => line.push_str(what),
            Step::EveryPackage(what) => line.push_str(&format!("{what} is of every package")),
            Step::Uncompared(why) => line.push_str(&format!("cannot be compared, so every job: {why}")),
            Step::Observed(read) if *read == cause.path => line.push_str("the job read it when it was last recorded"),
            Step::Observed(read) => line.push_str(&format!("the job looked at {read} when it was last recorded")),
            Step::Named(source) => line.push_str(&format!("named in {source}")),
            Step::Climbs(source) => line.push_str(&format!("{source} climbs out of its package and may read it")),
            Step::Unplaced => line.push_str("no rule and no package places it, so every job"),
        }
    }
    line
}
