//! Whether what was to be shown was shown. Pure: everything that was read goes in, and the judgement comes out.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{
    listed::Listed,
    mutants::Mutant,
    results::{Case, Outcome},
};

/// What was read of one driver, or of the controls.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// Its name; `controls` for those.
    pub name: String,
    /// The cases that its test program lists.
    pub listed: Vec<Listed>,
    /// The results that the suite wrote.
    pub results: Vec<Case>,
    /// Whether the test run as a whole ended well.
    pub ran_well: bool,
    /// Why there is nothing to read, where there is nothing.
    pub absent: Option<String>,
}

/// A driver, judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// Its name.
    pub name: String,
    /// A result for each case that was to run.
    pub cases: Vec<Case>,
    /// What is wrong besides cases that did not pass.
    pub complaints: Vec<String>,
}

impl Judged {
    /// Whether it keeps the contract, as far as the suite can tell.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.complaints.is_empty() && !self.cases.is_empty() && self.cases.iter().all(|case| case.outcome.is_well())
    }

    /// How many cases ended so.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.cases.iter().filter(|case| case.outcome == outcome).count()
    }
}

/// The whole judgement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// What was left to chance.
    pub seed: u64,
    /// The drivers that were asked for.
    pub drivers: Vec<Judged>,
    /// The in-memory driver, which must pass.
    pub controls: Judged,
    /// The broken drivers, which must be caught.
    pub mutants: Vec<Mutant>,
}

impl Judgement {
    /// Whether all of it is as it must be.
    #[must_use]
    pub fn passes(&self) -> bool {
        let drivers = !self.drivers.is_empty() && self.drivers.iter().all(Judged::passes);
        drivers && self.controls.passes() && self.mutants.iter().all(|mutant| mutant.caught)
    }
}

/// Judges drivers by the controls: what these play, each driver must.
#[must_use]
pub fn judge(seed: u64, drivers: &[Read], controls: &Read, mutants: Vec<Mutant>) -> Judgement {
    let behaviours: BTreeSet<u8> = controls.listed.iter().map(|case| case.number).collect();
    let broken: BTreeSet<u8> = mutants.iter().map(|mutant| mutant.breaks).collect();
    // The mutants' tests are of the same run, and each that survived is told by itself.
    let survived = mutants.iter().any(|mutant| !mutant.caught);
    let mut judged = one(&Read { ran_well: controls.ran_well || survived, ..controls.clone() }, &behaviours);
    let unproven: Vec<String> = behaviours.difference(&broken).map(u8::to_string).collect();
    if !unproven.is_empty() {
        let numbers = unproven.join(", ");
        judged
            .complaints
            .push(format!("no driver is broken on purpose in behaviour {numbers}: their cases prove nothing"));
    }
    let drivers = drivers.iter().map(|read| one(read, &behaviours)).collect();
    Judgement { seed, drivers, controls: judged, mutants }
}

fn one(read: &Read, behaviours: &BTreeSet<u8>) -> Judged {
    let Read { name, listed, results, ran_well, absent } = read;
    let mut complaints: Vec<String> = absent.iter().cloned().collect();
    let mut left: BTreeMap<(&str, u8), &Case> =
        results.iter().map(|case| ((case.subject.as_str(), case.number), case)).collect();
    let mut cases: Vec<Case> = Vec::new();
    for case in listed {
        let result = left.remove(&(case.subject.as_str(), case.number)).cloned();
        cases.push(result.unwrap_or_else(|| without_result(case)));
    }
    // Nobody listed them; a result of something else must not be lost.
    cases.extend(left.into_values().cloned());
    let mut subjects: BTreeMap<&str, BTreeSet<u8>> = BTreeMap::new();
    for case in listed {
        subjects.entry(&case.subject).or_default().insert(case.number);
    }
    for (subject, played) in &subjects {
        let missing: Vec<String> = behaviours.difference(played).map(u8::to_string).collect();
        if !missing.is_empty() {
            complaints.push(format!("{subject} has no case for behaviour {}", missing.join(", ")));
        }
    }
    if subjects.is_empty() && absent.is_none() {
        complaints.push("its test program lists no case".to_owned());
    }
    if !ran_well && absent.is_none() && cases.iter().all(|case| case.outcome.is_well()) {
        complaints.push("its test run failed, and no case says why".to_owned());
    }
    Judged { name: name.clone(), cases, complaints }
}

fn without_result(case: &Listed) -> Case {
    Case {
        subject: case.subject.clone(),
        number: case.number,
        group: case.group.clone(),
        name: case.name.clone(),
        clauses: Vec::new(),
        need: String::new(),
        outcome: Outcome::NoResult,
        detail: "the case was to run and left no result: it was ended, or its program died".to_owned(),
        milliseconds: 0,
        seed: 0,
    }
}
