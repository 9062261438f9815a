use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use super::Known;
use crate::{
    affected::{
        graph::Reach,
        jobs::JobTable,
        path::RepoPath,
        plan::{
            Planner, Proof, State,
            tests::{changes, told, workspace},
        },
        shape::place::{Compared, Effect, Manifests},
        tree::Tree,
    },
    evidence::record::{Reads, Record, SCHEMA},
};

const JOBS: &str = r#"
default-gate = "common"

[[package-job]]
packages = "driver-*"
name = "driver-{}"

[[job]]
name = "common"
packages = ["common"]

[[job]]
name = "tool"
packages = ["tool"]
reads = ["data/*"]

[[rule]]
paths = ["docs/**"]
jobs = "none"
why = "prose"
"#;

const BASE: [&str; 9] = [
    "common/src/lib.rs",
    "common/src/unused.rs",
    "common/README.md",
    "data/x",
    "docs/a.md",
    "drivers/nfs/src/lib.rs",
    "drivers/nfs/notes",
    "fixtures/nfs/a",
    "scripts/run",
];

fn reads(paths: &[&str]) -> Reads {
    paths
        .iter()
        .map(|path| match path.split_once(' ') {
            Some((path, seen)) => (RepoPath::new(path), seen.parse().unwrap()),
            None => (RepoPath::new(*path), "100644 1".parse().unwrap()),
        })
        .collect()
}

fn record(job: &str, run_on: &[&str]) -> Record {
    Record {
        schema: SCHEMA,
        job: job.to_owned(),
        commit: "c".repeat(40),
        ended: 1,
        passed: true,
        tests: 1,
        asked: String::new(),
        host: String::new(),
        governed_by: reads(&["Cargo.toml", "special.conf"]),
        built_from: reads(&["common/src/lib.rs"]),
        run_on: reads(run_on),
        packages: Default::default(),
        produced: BTreeMap::new(),
    }
}

fn tree(paths: &[&str], id: &str) -> Tree {
    let listing: String = paths.iter().map(|path| format!("100644 blob {id}\t{path}\0")).collect();
    Tree::parse(listing.as_bytes()).unwrap()
}

/// Jobs in the order of the table: common, tool, driver-local, driver-lvm, driver-nfs. All but local were recorded.
fn planned(path: &str, added: bool) -> Vec<String> {
    let workspace = workspace();
    let table = JobTable::parse(JOBS, &BTreeMap::new(), &workspace).unwrap();
    let at = |name: &str| table.jobs.iter().position(|job| job.name == name).unwrap();
    let observed = [
        record("common", &[]),
        record("tool", &["docs/a.md", "special.conf", "drivers/lvm/src/lib.rs"]),
        record("driver-lvm", &["common/optional absent"]),
        record("driver-nfs", &["fixtures/nfs listed 1", "fixtures/nfs/a"]),
    ];
    let observed = observed.into_iter().map(|record| (at(&record.job), record)).collect();
    let base: Vec<&str> = BASE.into_iter().filter(|known| !added || *known != path).collect();
    let head: Vec<&str> = BASE.into_iter().filter(|known| *known != path).chain([path]).collect();
    let known = Known {
        observed,
        proofs: BTreeMap::new(),
        near: BTreeMap::new(),
        base: tree(&base, "1"),
        head: tree(&head, "2"),
    };
    told(&Planner::new(&workspace, &table).knowing(Cow::Owned(known)).plan(&changes([RepoPath::new(path)], &[])))
}

#[test]
fn a_file_that_no_recorded_job_read_selects_what_was_not_recorded() {
    let local = "run driver-local: common/src/unused.rs → common → driver-local";
    assert_eq!(planned("common/src/unused.rs", false), [local]);
}

#[test]
fn a_file_that_they_read_selects_them_by_the_way_that_was_supposed() {
    let selected = planned("common/src/lib.rs", false);
    assert_eq!(selected.len(), 5, "{selected:?}");
    assert!(selected.contains(&"run driver-nfs: common/src/lib.rs → common → driver-nfs".to_owned()));
}

#[test]
fn what_no_folder_shows_is_added() {
    assert_eq!(planned("docs/a.md", false), ["run tool: docs/a.md → the job read it when it was last recorded"]);
    let looked = "run driver-nfs: fixtures/nfs/b → the job looked at fixtures/nfs when it was last recorded";
    assert_eq!(
        planned("fixtures/nfs/b", true),
        ["run driver-local: fixtures/nfs/b → no rule and no package places it, so every job", looked]
    );
    let found = "run driver-lvm: common/optional → common → driver-lvm";
    assert!(planned("common/optional", true).contains(&found.to_owned()));
}

#[test]
fn what_is_said_stands_whatever_was_read() {
    let said = planned("data/x", false);
    assert!(said.contains(&"run tool: data/x → the job reads data/*".to_owned()), "{said:?}");
    // A change of a driver's own folder runs its job.
    assert_eq!(planned("drivers/nfs/notes", false), ["run driver-nfs: drivers/nfs/notes → driver-nfs"]);
}

#[test]
fn what_records_cannot_speak_of_keeps_its_place() {
    for path in ["common/tests/new.rs", "common/build.rs", "common/src/bin/new.rs"] {
        let selected = planned(path, true);
        assert!(selected.iter().any(|line| line.starts_with("run common")), "{path}: {selected:?}");
    }
    for path in ["special.conf", ".config/nextest.toml", "rust-toolchain.toml", "ci/jobs.toml"] {
        assert_eq!(planned(path, false).len(), 5, "{path}");
    }
}

#[test]
fn what_cargo_reads_or_looks_for_selects_a_run_that_read_it_too() {
    // `cargo fmt` in a test reads the manifest, whatever cargo makes of it; so it does a library that is deleted.
    for (path, added) in [("special.conf", false), ("drivers/lvm/src/lib.rs", true)] {
        let read = format!("run tool: {path} → the job read it when it was last recorded");
        assert!(planned(path, added).contains(&read), "{path}");
    }
}

#[test]
fn another_crate_reaches_who_builds_it_and_who_was_not_recorded() {
    let workspace = workspace();
    let table = JobTable::parse(JOBS, &BTreeMap::new(), &workspace).unwrap();
    let at = |name: &str| table.jobs.iter().position(|job| job.name == name).unwrap();
    let lock = RepoPath::new("Cargo.lock");
    let crates = BTreeSet::from(["leaf".to_owned()]);
    // Everything depends on common, for which the lock file has another leaf.
    let effect = Effect { what: "another leaf".to_owned(), origin: Some((0, Reach::Dependents)), crates };
    let effects = BTreeMap::from([(lock.clone(), vec![effect])]);
    let compared = Compared { paths: BTreeSet::from([lock.clone()]), effects, ..Compared::default() };
    let builds = |job: &str, package: &str| Record { packages: [package.to_owned()].into(), ..record(job, &[]) };
    let observed =
        [builds("common", "leaf 1.0.0"), builds("driver-nfs", "leaflet 1.0.0"), builds("driver-lvm", "twig 1.0.0")];
    let observed = observed.into_iter().map(|record| (at(&record.job), record)).collect();
    let known = Known {
        observed,
        proofs: BTreeMap::new(),
        near: BTreeMap::new(),
        base: tree(&["Cargo.lock"], "1"),
        head: tree(&["Cargo.lock"], "2"),
    };
    let planner = Planner::new(&workspace, &table).with(Manifests::Compared(compared)).knowing(Cow::Owned(known));
    let selected = told(&planner.plan(&changes([lock], &[])));
    let jobs: Vec<&str> = selected.iter().filter_map(|line| line.split([' ', ':']).nth(1)).collect();
    assert_eq!(jobs, ["common", "tool", "driver-local"], "{selected:?}");
}

#[test]
fn a_proof_takes_back_a_job_that_would_run_and_no_other() {
    let workspace = workspace();
    let table = JobTable::parse(JOBS, &BTreeMap::new(), &workspace).unwrap();
    let proof = Proof { record: "r".to_owned(), commit: "c".to_owned(), ended: 1 };
    let proofs = (0..5).map(|job| (job, (proof.clone(), record("any", &["data/known"])))).collect();
    let known = Known { proofs, ..Known::default() };
    let planner = Planner::new(&workspace, &table).knowing(Cow::Owned(known));
    let states = |paths: &[&str]| {
        let plan = planner.plan(&changes(paths.iter().map(|path| RepoPath::new(*path)), &[]));
        assert!(plan.jobs.iter().all(|decision| decision.proof.is_some() == (decision.state == State::Proved)));
        plan.jobs.iter().map(|decision| decision.state).collect::<Vec<_>>()
    };
    let (none, proved, run) = (State::Unaffected, State::Proved, State::Run);
    assert_eq!(states(&["tool/x"]), [none, proved, none, none, none]);
    // The job says that it reads this, and the run that passed did not know it.
    assert_eq!(states(&["tool/x", "data/new"])[1], run);
    assert_eq!(states(&["tool/x", "data/known"])[1], proved);
}
