pub(super) const MUTANTS: &[super::mutant::Mutant] = &[];
