//! Every mutant is caught by the case that is meant for it: a trial each, which fails when the mutant survives.

use std::process::ExitCode;

use ashlar_conformance::mutants::{all, caught};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let trial = |mutant: ashlar_conformance::mutants::Mutant| {
        let name = format!("caught_by_its_case::{:02}_{}", mutant.breaks, mutant.name);
        Trial::test(name, move || caught(&mutant).map(drop).map_err(Failed::from))
    };
    libtest_mimic::run(&Arguments::from_args(), all().into_iter().map(trial).collect()).exit_code()
}
