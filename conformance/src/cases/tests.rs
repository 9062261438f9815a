//! The contract's clauses and the suite's cases name each other, and nothing is numbered or named twice.

use std::{collections::BTreeSet, fs, path::Path};

use super::all;

/// The clauses that the documentation of the contract states.
fn stated_below(folder: &Path) -> Vec<String> {
    let mut clauses = Vec::new();
    for entry in fs::read_dir(folder).expect("the contract's folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            clauses.extend(stated_below(&path));
        } else {
            let text = fs::read_to_string(&path).expect("source text");
            // A clause begins an item of a list; elsewhere it is only referred to.
            let items = text.lines().filter_map(|line| line.trim().strip_prefix("/// - \\["));
            clauses.extend(items.filter_map(|item| item.split_once("\\]")).map(|(clause, _)| clause.to_owned()));
        }
    }
    clauses
}

#[test]
fn every_clause_has_a_case_and_every_case_has_its_clauses() {
    let clauses = stated_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../common/src/driver"));
    assert!(clauses.len() > 40, "the contract was not found: {clauses:?}");
    let stated: BTreeSet<&str> = clauses.iter().map(String::as_str).collect();
    assert_eq!(stated.len(), clauses.len(), "a clause is stated twice: {clauses:?}");
    let named: BTreeSet<&str> = all().iter().flat_map(|case| case.behaviour.clauses).copied().collect();
    let unknown: Vec<_> = named.difference(&stated).collect();
    assert!(unknown.is_empty(), "cases name clauses that the contract does not state: {unknown:?}");
    let untested: Vec<_> = stated.difference(&named).copied().collect();
    assert!(untested.is_empty(), "no case names these clauses: {untested:?}");
    let free: Vec<_> =
        all().iter().filter(|case| case.behaviour.clauses.is_empty()).map(|case| case.behaviour).collect();
    assert!(free.is_empty(), "cases of no clause: {free:?}");
}

#[test]
fn behaviours_are_numbered_without_gaps() {
    let numbers: Vec<u8> = all().iter().map(|case| case.behaviour.number).collect();
    let last = numbers.last().copied().expect("cases");
    let missing: Vec<u8> = (1..=last).filter(|number| !numbers.contains(number)).collect();
    assert!(missing.is_empty(), "no case has these numbers: {missing:?}");
    assert_eq!(numbers.len(), usize::from(last), "a number is given twice: {numbers:?}");
}

#[test]
fn names_are_unique_and_read_as_claims() {
    let cases = all();
    let names: BTreeSet<&str> = cases.iter().map(|case| case.behaviour.name).collect();
    assert_eq!(names.len(), cases.len(), "a name is given twice");
    for name in names {
        let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        assert!(plain && name.split('_').count() > 2, "{name}: lower-case words that say what holds");
    }
}
