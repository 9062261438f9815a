use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::btree_set, prelude::Strategy, prop_assert, proptest, sample::select};

use super::{Plan, Planner, State};
use crate::affected::{
    changes::{Changes, Found, SymLink},
    graph::{Dependent, Package, Reach, Workspace},
    jobs::JobTable,
    path::RepoPath,
    render::chain,
    shape::place::{Compared, Effect, Manifests},
};

const JOBS: &str = r#"
default-gate = "driver-local"

[[package-job]]
packages = "driver-*"
name = "driver-{}"

[[job]]
name = "common"
packages = ["common"]
reads = ["docs/table.md"]

[[job]]
name = "tool"
packages = ["tool"]

[[rule]]
paths = ["README.md", "docs/**"]
jobs = "none"
why = "prose"

[[rule]]
paths = ["Cargo.lock"]
jobs = "all"
why = "governs every build"

[[rule]]
paths = ["scripts/*.sh"]
jobs = ["tool"]
why = "the tool's scripts"
"#;

/// common <- {local, nfs, lvm}; shared <- {local, nfs}; common <- tool for its tests.
pub(super) fn workspace() -> Workspace {
    let package = |name: &str, directory: &str, dependents: &[(usize, bool)]| Package {
        name: name.to_owned(),
        directory: Some(directory.into()),
        member: true,
        test_only: vec!["tests".to_owned()],
        build_script: None,
        executables: Vec::new(),
        dependents: dependents.iter().map(|&(package, dev_only)| Dependent { package, dev_only }).collect(),
    };
    let packages = vec![
        package("common", "common", &[(1, false), (2, false), (3, false), (4, true)]),
        package("driver-local", "drivers/local", &[]),
        package("driver-nfs", "drivers/nfs", &[]),
        package("driver-lvm", "drivers/lvm", &[]),
        package("tool", "tool", &[]),
    ];
    Workspace::new(packages)
}

fn own(texts: &[(&str, &str)]) -> BTreeMap<String, (String, String)> {
    let file = |package: &str, text: &str| (package.to_owned(), ("job.toml".to_owned(), text.to_owned()));
    texts.iter().map(|(package, text)| file(package, text)).collect()
}

pub(super) fn changes(paths: impl IntoIterator<Item = RepoPath>, links: &[(&str, &str)]) -> Changes {
    let links = links.iter().map(|(at, target)| SymLink { at: RepoPath::new(*at), target: RepoPath::new(*target) });
    let found = Found::Paths { paths: paths.into_iter().collect(), links: links.collect() };
    Changes { compared: "a to b".to_owned(), found, bases: Vec::new() }
}

fn planned(changes: &Changes, own_jobs: &[(&str, &str)]) -> Plan {
    let workspace = workspace();
    let table = JobTable::parse(JOBS, &own(own_jobs), &workspace).unwrap();
    Planner::new(&workspace, &table).with(manifests()).plan(changes)
}

/// What the comparison is taken to have said, whatever else changed.
fn manifests() -> Manifests {
    let effect = |what: &str, origin| Effect { what: what.to_owned(), origin, crates: BTreeSet::new() };
    let effects = [
        ("Cargo.toml", vec![effect("profile", None)]),
        ("drivers/lvm/Cargo.toml", vec![effect("features", Some((3, Reach::Dependents)))]),
        ("common/Cargo.toml", vec![effect("dev-dependencies", Some((0, Reach::OwnTests)))]),
    ];
    let effects = effects.into_iter().map(|(path, effects)| (RepoPath::new(path), effects)).collect();
    let paths =
        ["Cargo.toml", "common/Cargo.toml", "tool/Cargo.toml", "drivers/lvm/Cargo.toml", "drivers/nfs/Cargo.toml"];
    let paths = paths.into_iter().map(RepoPath::new).collect();
    Manifests::Compared(Compared { paths, effects, gone: BTreeSet::from(["drivers/old".to_owned()]) })
}

pub(super) fn told(plan: &Plan) -> Vec<String> {
    let lines = plan.jobs.iter().filter(|decision| decision.state != State::Unaffected).map(|decision| {
        let word = match (decision.state, decision.voting) {
            (State::Run, true) => "run",
            (State::Run, false) => "check",
            _ => "skip",
        };
        let reason = decision.cause.as_ref().map_or_else(String::new, chain);
        format!("{word} {}: {reason}", decision.job.name)
    });
    lines.collect()
}

fn check(path: &str, expected: &[&str]) {
    assert_eq!(told(&planned(&changes([RepoPath::new(path)], &[]), &[])), expected);
}

#[test]
fn a_driver_runs_its_own_job_alone() {
    check("drivers/nfs/src/x.rs", &["run driver-nfs: drivers/nfs/src/x.rs → driver-nfs"]);
}

#[test]
fn common_runs_all_that_depends_on_it() {
    check(
        "common/src/lib.rs",
        &[
            "run common: common/src/lib.rs → common",
            "run tool: common/src/lib.rs → common → tests of tool",
            "run driver-local: common/src/lib.rs → common → driver-local",
            "run driver-lvm: common/src/lib.rs → common → driver-lvm",
            "run driver-nfs: common/src/lib.rs → common → driver-nfs",
        ],
    );
}

#[test]
fn tests_of_a_package_reach_nobody_else() {
    check("common/tests/data/a.txt", &["run common: common/tests/data/a.txt → common"]);
}

#[test]
fn prose_selects_nothing_unless_a_job_reads_it() {
    check("README.md", &[]);
    check("docs/a/b.md", &[]);
    check("docs/table.md", &["run common: docs/table.md → the job reads docs/table.md"]);
}

#[test]
fn a_rule_may_name_jobs() {
    check("scripts/a.sh", &["run tool: scripts/a.sh → rule: the tool's scripts"]);
}

#[test]
fn a_manifest_selects_by_what_differs_in_it() {
    check("drivers/lvm/Cargo.toml", &["run driver-lvm: drivers/lvm/Cargo.toml → driver-lvm"]);
    check("common/Cargo.toml", &["run common: common/Cargo.toml → dev-dependencies → common"]);
    check("tool/Cargo.toml", &[]);
    check("drivers/nfs/Cargo.toml", &["run driver-nfs: drivers/nfs/Cargo.toml → driver-nfs"]);
    // Of this one the comparison knows nothing, so it is a file like any other of its package.
    check("drivers/local/Cargo.toml", &["run driver-local: drivers/local/Cargo.toml → driver-local"]);
    let every = told(&planned(&changes([RepoPath::new("Cargo.toml")], &[]), &[]));
    assert_eq!(every.len(), 5);
    assert_eq!(every[0], "run common: Cargo.toml → profile is of every package");
}

#[test]
fn files_of_a_removed_package_select_what_the_comparison_says() {
    check("drivers/old/src/lib.rs", &[]);
    check("drivers/old/Cargo.toml", &[]);
    assert_eq!(told(&planned(&changes([RepoPath::new("drivers/older/x")], &[]), &[])).len(), 5);
}

#[test]
fn manifests_that_cannot_be_compared_select_every_job() {
    let (workspace, changes) = (workspace(), changes([RepoPath::new("drivers/nfs/Cargo.toml")], &[]));
    let table = JobTable::parse(JOBS, &BTreeMap::new(), &workspace).unwrap();
    let plan = Planner::new(&workspace, &table).with(Manifests::Unknown("why".to_owned())).plan(&changes);
    assert_eq!(told(&plan).len(), 5);
    assert!(told(&plan)[0].ends_with("cannot be compared, so every job: why"), "{:?}", told(&plan));
}

#[test]
fn what_nothing_places_selects_every_job() {
    for path in ["Makefile", "scripts/deep/a.sh", "drivers/gone/src/lib.rs", "commons/x", "../outside", "docs"] {
        let plan = planned(&changes([RepoPath::new(path)], &[]), &[]);
        assert!(plan.jobs.iter().all(|decision| decision.state == State::Run && decision.voting), "{path}");
    }
}

#[test]
fn without_a_base_every_job_runs_whatever_the_policy() {
    let found = Found::Unknown { reason: "shallow".to_owned(), mend: "deepen".to_owned() };
    let plan = planned(
        &Changes { compared: String::new(), found, bases: Vec::new() },
        &[("driver-nfs", "on-common-change = \"skip\"")],
    );
    assert!(plan.jobs.iter().all(|decision| decision.state == State::Run && decision.voting));
    assert_eq!(plan.every_job, Some(("shallow".to_owned(), "deepen".to_owned())));
}

#[test]
fn policy_is_for_common_changes_and_never_for_ones_own() {
    let policy = [("driver-nfs", "on-common-change = \"skip\""), ("driver-lvm", "on-common-change = \"check\"")];
    let plan = planned(&changes([RepoPath::new("common/src/lib.rs")], &[]), &policy);
    assert_eq!(
        told(&plan)[3..],
        [
            "check driver-lvm: common/src/lib.rs → common → driver-lvm",
            "skip driver-nfs: common/src/lib.rs → common → driver-nfs"
        ]
    );
    let both = ["common/src/lib.rs", "drivers/lvm/src/lib.rs", "drivers/nfs/src/lib.rs"].map(RepoPath::new);
    let plan = planned(&changes(both, &[]), &policy);
    assert_eq!(
        told(&plan)[3..],
        ["run driver-lvm: drivers/lvm/src/lib.rs → driver-lvm", "run driver-nfs: drivers/nfs/src/lib.rs → driver-nfs"]
    );
}

#[test]
fn a_job_without_a_vote_runs_without_one() {
    let plan = planned(&changes([RepoPath::new("drivers/nfs/x")], &[]), &[("driver-nfs", "voting = false")]);
    assert_eq!(told(&plan), ["check driver-nfs: drivers/nfs/x → driver-nfs"]);
}

#[test]
fn a_job_may_test_more_packages_and_counts_them_its_own() {
    let more = [("driver-nfs", "more-packages = [\"tool\"]\non-common-change = \"skip\"")];
    let plan = planned(&changes([RepoPath::new("tool/src/main.rs")], &[]), &more);
    assert_eq!(told(&plan), ["run tool: tool/src/main.rs → tool", "run driver-nfs: tool/src/main.rs → tool"]);
}

#[test]
fn a_change_is_seen_through_symbolic_links() {
    let links = [
        ("drivers/nfs/data", "docs/shared"),
        ("drivers/lvm/again", "drivers/nfs/data/a.txt"),
        ("drivers/nfs/loop", "drivers/nfs"),
    ];
    let plan = planned(&changes([RepoPath::new("docs/shared/a.txt")], &links), &[]);
    assert_eq!(
        told(&plan),
        [
            "run driver-lvm: docs/shared/a.txt → link drivers/nfs/data → link drivers/lvm/again → driver-lvm",
            "run driver-nfs: docs/shared/a.txt → link drivers/nfs/data → driver-nfs",
        ]
    );
}

fn path() -> impl Strategy<Value = RepoPath> {
    let known = select(vec![
        "README.md",
        "docs/table.md",
        "Cargo.lock",
        "scripts/x.sh",
        "common/src/lib.rs",
        "common/tests/a.rs",
        "drivers/nfs/src/lib.rs",
        "drivers/lvm/tests/b.rs",
        "drivers/local",
        "Cargo.toml",
        "common/Cargo.toml",
        "drivers/lvm/Cargo.toml",
        "drivers/old/src/lib.rs",
        "tool/x",
        "who/knows",
    ]);
    proptest::prop_oneof![
        8 => known.prop_map(RepoPath::new),
        1 => proptest::collection::vec(1..=255_u8, 1..12).prop_map(RepoPath::new),
    ]
}

proptest! {
    #[test]
    fn a_plan_for_two_changes_holds_the_plans_for_each(
        a in btree_set(path(), 0..4),
        b in btree_set(path(), 0..4),
        policy in select(vec!["gate", "check", "skip"]),
    ) {
        let text = format!("on-common-change = \"{policy}\"");
        let own = [("driver-nfs", text.as_str())];
        let links = [("drivers/lvm/link", "docs"), ("tool/link", "drivers/nfs/src")];
        let both: BTreeSet<RepoPath> = a.union(&b).cloned().collect();
        let whole = planned(&changes(both, &links), &own);
        for part in [a, b] {
            let part = planned(&changes(part, &links), &own);
            for (part, whole) in part.jobs.iter().zip(&whole.jobs) {
                prop_assert!(part.state <= whole.state && part.voting <= whole.voting, "{part:?} {whole:?}");
            }
        }
    }

    #[test]
    fn the_same_change_gives_the_same_bytes(paths in btree_set(path(), 0..6)) {
        let render = || {
            let plan = planned(&changes(paths.clone(), &[]), &[]);
            (crate::affected::render::json::json(&plan).unwrap(), crate::affected::render::text::text(&plan))
        };
        prop_assert!(render() == render());
    }
}
