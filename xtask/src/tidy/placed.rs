//! The job table fits the tree, and what a crate includes from elsewhere selects its jobs.

use std::collections::BTreeSet;

use super::tree::{Tree, none};
use crate::affected::{
    check::{misfits, told},
    path::RepoPath,
    plan::Planner,
};

#[test]
fn the_job_table_fits_the_tree() {
    let tree = Tree::read();
    let misfits = misfits(&tree.cargo, &tree.jobs(), &tree.tracked);
    assert!(misfits.is_empty(), "{}", told(&misfits, tree.root()));
}

#[test]
fn an_included_file_selects_the_jobs_of_who_includes_it() {
    let tree = Tree::read();
    let table = tree.jobs();
    let planner = Planner::new(&tree.cargo.workspace, &table);
    let selected = |path: &RepoPath| planner.causes(path, &[]).into_iter().map(|(job, _)| job).collect::<BTreeSet<_>>();
    let mut offenders = Vec::new();
    for file in tree.texts(".rs") {
        let test = file.path.contains("/tests/") || file.path.ends_with("/tests.rs");
        let by = selected(&RepoPath::from(file.path.as_str()));
        for included in included(&file.text) {
            let Some(path) = RepoPath::from(file.path.as_str()).follow(included.as_bytes()) else { continue };
            if !tree.tracked.contains(&path) {
                continue;
            }
            let on_change = selected(&path);
            // A unit test may include its package's test data; what is built into the package may not.
            let enough = by.is_subset(&on_change) || (test && !by.is_disjoint(&on_change));
            if !enough {
                offenders.push(format!("{} includes {path}", file.path));
            }
        }
    }
    none(&offenders, "a change of the included file would not run these jobs: add it to `reads` in ci/jobs.toml");
}

/// The literals of `include_str!("x")`, `include_bytes!("x")`, `include!("x")` and `#[path = "x"]`.
fn included(source: &str) -> Vec<&str> {
    let starts = [concat!("include_str", "!("), concat!("include_bytes", "!("), concat!("include", "!("), "#[path = "];
    let mut found = Vec::new();
    for start in starts {
        for (at, _) in source.match_indices(start) {
            let rest = source[at + start.len()..].trim_start();
            found.extend(rest.strip_prefix('"').and_then(|rest| rest.split_once('"')).map(|(path, _)| path));
        }
    }
    found
}

#[test]
fn inclusions_are_found() {
    let source =
        concat!("const A: &str = include_str", "!(\"../a.md\"); #[path = \"b.rs\"] mod b; include_str", "!(concat!())");
    assert_eq!(included(source), ["../a.md", "b.rs"]);
}
