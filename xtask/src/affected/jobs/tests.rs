use std::collections::BTreeMap;

use super::JobTable;
use crate::affected::graph::{Dependent, Package, Workspace};

const GOOD: &str = "\
default-gate = \"driver-a\"

[[package-job]]
packages = \"x-driver-*\"
name = \"driver-{}\"
owners = [\"@x/{}\"]

[[job]]
name = \"rest\"
packages = [\"common\"]

[[lab]]
name = \"rig\"
raise = \"rig up\"
lower = \"rig down\"
";

fn workspace() -> Workspace {
    let package = |name: &str| Package { name: name.to_owned(), member: true, ..Package::default() };
    Workspace::new(vec![package("common"), package("x-driver-a"), package("x-driver-b")])
}

fn parse(text: &str, own: &[(&str, &str)]) -> Result<JobTable, String> {
    let own: BTreeMap<_, _> = own
        .iter()
        .map(|(package, text)| ((*package).to_owned(), (format!("{package}/job.toml"), (*text).to_owned())))
        .collect();
    JobTable::parse(text, &own, &workspace()).map_err(|error| format!("{error:#}"))
}

fn refused(text: &str, expected: &[&str]) {
    let error = parse(text, &[]).expect_err("the table is wrong");
    for words in expected {
        assert!(error.contains(words), "`{words}` is not in: {error}");
    }
}

#[test]
fn each_driver_brings_its_job() {
    let table = parse(GOOD, &[("x-driver-b", "lab = \"rig\"\nvoting = false")]).unwrap();
    let names: Vec<&str> = table.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(names, ["rest", "driver-a", "driver-b"]);
    let job = table.job("driver-b").unwrap();
    assert_eq!(job.packages, ["x-driver-b"]);
    assert_eq!(job.filter, "package(=x-driver-b)");
    assert_eq!(job.command, "cargo xtask test driver-b");
    assert_eq!(job.owners, ["@x/b"]);
    assert_eq!((job.lab.as_deref(), job.voting), (Some("rig"), false));
}

#[test]
fn a_typo_is_told_with_its_line() {
    refused(
        &GOOD.replace("packages = [\"common\"]", "package = [\"common\"]"),
        &["ci/jobs.toml", "line 10", "package"],
    );
    refused(&GOOD.replace("[[job]]", "[[jobs]]"), &["line 8", "jobs"]);
    let error = parse(GOOD, &[("x-driver-b", "\nvotes = false")]).expect_err("a typo");
    assert!(error.contains("x-driver-b/job.toml") && error.contains("line 2"), "{error}");
}

#[test]
fn a_rule_selects_none_all_or_jobs() {
    let with = |jobs: &str| format!("{GOOD}\n[[rule]]\npaths = [\"a\"]\njobs = {jobs}\nwhy = \"because\"\n");
    for jobs in ["\"none\"", "\"all\"", "[\"rest\"]"] {
        assert!(parse(&with(jobs), &[]).is_ok(), "{jobs}");
    }
    refused(&with("\"some\""), &["line 19", "\"none\", \"all\" or a list of job names"]);
    refused(&with("[\"rust\"]"), &["because", "`rust`"]);
}

#[test]
fn packages_and_jobs_must_fit_each_other() {
    refused(
        &GOOD.replace("[\"common\"]", "[\"comon\"]"),
        &["`comon`, which is not in", "no job covers package `common`"],
    );
    refused(&GOOD.replace("x-driver-*", "x-driver-a"), &["no job covers package `x-driver-b`"]);
    refused(&GOOD.replace("\"rest\"", "\"driver-b\""), &["two jobs are named `driver-b`"]);
    refused(&GOOD.replace("\"rest\"", "\"re st\""), &["`re st`"]);
    refused(&GOOD.replace("\"rest\"", "\"lint\""), &["job name `lint`"]);
}

#[test]
fn a_lab_must_be_known() {
    let error = parse(GOOD, &[("x-driver-b", "lab = \"rag\"")]).expect_err("no such lab");
    assert!(error.contains("job `driver-b` needs the lab `rag`"), "{error}");
    refused(&format!("{GOOD}\n[[lab]]\nname = \"rig\"\nraise = \"\"\nlower = \"\"\n"), &["two labs are named `rig`"]);
}

#[test]
fn common_changes_must_have_a_gate() {
    refused(&GOOD.replace("\"driver-a\"", "\"driver-c\""), &["default-gate", "`driver-c`"]);
    refused(GOOD.split_once('\n').unwrap().1, &["default-gate"]);
    for own in ["voting = false", "on-common-change = \"check\"", "on-common-change = \"skip\""] {
        let error = parse(GOOD, &[("x-driver-a", own)]).expect_err("no gate is left");
        assert!(error.contains("default-gate `driver-a` must vote"), "{error}");
    }
}

#[test]
fn a_package_that_jobs_share_needs_one_that_votes_on_it() {
    let mut workspace = workspace();
    // Both drivers build on it, the default gate does not.
    let dependents = [1, 2].map(|package| Dependent { package, dev_only: false }).to_vec();
    let shared = Package { name: "shared".to_owned(), member: true, dependents, ..Package::default() };
    workspace.packages.push(shared);
    let table = |own: &str| {
        let text = GOOD.replace("default-gate = \"driver-a\"", "default-gate = \"rest\"")
            + "\n[[job]]\nname = \"shared\"\npackages = [\"shared\"]\nvoting = false\n";
        let own = |package: &str| (package.to_owned(), (format!("{package}/job.toml"), own.to_owned()));
        let own = BTreeMap::from([own("x-driver-a"), own("x-driver-b")]);
        JobTable::parse(&text, &own, &workspace).map_err(|error| format!("{error:#}"))
    };
    assert!(table("").is_ok());
    for own in ["on-common-change = \"check\"", "on-common-change = \"skip\"", "voting = false"] {
        let error = table(own).expect_err("nobody votes");
        assert!(
            error.contains("package `shared` reaches shared, driver-a, driver-b, and none of them votes"),
            "{error}"
        );
    }
}

#[test]
fn a_job_file_without_a_job_is_refused() {
    let error = parse(GOOD, &[("common", "voting = false")]).expect_err("common has no job of its own");
    assert!(error.contains("common/job.toml has no effect"), "{error}");
}

#[test]
fn patterns_stay_in_their_folder() {
    let matches = |pattern: &str, path: &str| super::Pattern::new(pattern).unwrap().matches(&path.into());
    assert!(matches("docs/**", "docs/a/b.md"));
    assert!(!matches("docs/**", "docs2/a"));
    assert!(!matches("*.md", "docs/a.md"));
    assert!(matches("*.md", "a\nb.md"));
    assert!(matches("**/.cargo/**", "a/b/.cargo/config.toml"));
}
