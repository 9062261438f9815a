//! Every mutant.

use super::{attach, concurrency, data, declared, images, life_cycle, mutant::Mutant, stats};

/// Every mutant, by the behaviour that it breaks.
#[must_use]
pub fn all() -> Vec<Mutant> {
    let groups = [
        life_cycle::MUTANTS,
        data::MUTANTS,
        images::MUTANTS,
        attach::MUTANTS,
        concurrency::MUTANTS,
        stats::MUTANTS,
        declared::MUTANTS,
    ];
    let mut all: Vec<Mutant> = groups.into_iter().flatten().copied().collect();
    all.sort_by_key(|mutant| mutant.breaks);
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::all;
    use crate::cases;

    #[test]
    fn every_behaviour_has_a_mutant_of_its_own() {
        let broken: BTreeSet<u8> = all().iter().map(|mutant| mutant.breaks).collect();
        let unproven: Vec<_> =
            cases::all().iter().map(|case| case.behaviour.number).filter(|number| !broken.contains(number)).collect();
        assert_eq!(unproven, Vec::<u8>::new(), "cases that no mutant is meant for");
    }

    #[test]
    fn names_are_unique() {
        let names: BTreeSet<_> = all().iter().map(|mutant| mutant.name).collect();
        assert_eq!(names.len(), all().len());
    }
}
