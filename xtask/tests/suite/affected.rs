use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt};

use xshell::cmd;

use crate::repo::{EVERY_JOB, Repo};

fn jobs<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// The jobs selected by an edit of one file, which need not exist before.
fn edited(name: &str) -> BTreeSet<String> {
    let repo = Repo::new();
    repo.write(name, "//! Another.\n");
    repo.selected(&[])
}

fn refused(repo: &Repo, arguments: &[&str], expected: &str) {
    let output = repo.affected(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(expected), "`{expected}` is not in: {said}");
    assert!(output.stdout.is_empty());
}

#[test]
fn no_change_selects_nothing() {
    assert_eq!(Repo::new().selected(&[]), jobs([]));
}

#[test]
fn an_edit_below_one_driver_names_its_job_alone() {
    assert_eq!(edited("drivers/nfs/src/lib.rs"), jobs(["driver-nfs"]));
    assert_eq!(edited("drivers/lvm/Cargo.toml.orig"), jobs(["driver-lvm"]));
    assert_eq!(edited("drivers/ceph-rbd/README.md"), jobs(["driver-ceph-rbd"]));
}

#[test]
fn an_edit_of_common_names_all_that_builds_on_it() {
    let all_but_tool: BTreeSet<String> = jobs(EVERY_JOB).difference(&jobs(["tool"])).cloned().collect();
    assert_eq!(edited("common/src/lib.rs"), all_but_tool);
    assert_eq!(edited("common/tests/it.rs"), jobs(["common"]));
}

#[test]
fn a_library_selects_the_drivers_that_use_it() {
    assert_eq!(edited("drivers/file-volumes/src/lib.rs"), jobs(["file-volumes", "driver-local", "driver-nfs"]));
}

#[test]
fn readme_alone_names_none() {
    assert_eq!(edited("README.md"), jobs([]));
}

#[test]
fn what_nobody_knows_names_all() {
    for name in ["Makefile", "drivers/README.md", "ci/jobs.toml"] {
        let repo = Repo::new();
        let text = fs::read_to_string(repo.path(name)).unwrap_or_default();
        repo.write(name, &format!("{text}\n# more\n"));
        assert_eq!(repo.selected(&[]), jobs(EVERY_JOB), "{name}");
    }
}

#[test]
fn committed_staged_unstaged_and_untracked_are_seen() {
    let repo = Repo::new();
    repo.write("drivers/nfs/src/lib.rs", "//! Committed.\n");
    repo.commit();
    repo.write("drivers/lvm/src/lib.rs", "//! Staged, and undone in the work tree.\n");
    repo.git(&["add", "--all"]);
    repo.write("drivers/lvm/src/lib.rs", "//! Nothing.\n");
    repo.write("drivers/local/src/lib.rs", "//! Unstaged.\n");
    repo.write("tool/untracked/x", "");
    repo.write("target/ignored", "");
    assert_eq!(repo.selected(&[]), jobs(["driver-nfs", "driver-lvm", "driver-local", "tool"]));
    assert_eq!(repo.selected(&["--head", "HEAD"]), jobs(["driver-nfs"]));
    assert_eq!(repo.selected(&["--head", "HEAD", "--base", "HEAD"]), jobs([]));
}

#[test]
fn another_head_is_judged_by_its_own_manifests_or_not_at_all() {
    let repo = Repo::new();
    repo.write("drivers/nfs/src/lib.rs", "//! Ours.\n");
    repo.commit();
    repo.git(&["switch", "--quiet", "main"]);
    assert_eq!(repo.selected(&["--head", "work"]), jobs(["driver-nfs"]));
    // The graph that is checked out no longer shows who depends on the driver.
    let manifest = fs::read_to_string(repo.path("drivers/lvm/Cargo.toml")).unwrap();
    repo.write("drivers/lvm/Cargo.toml", &format!("{manifest}\n[features]\nmore = []\n"));
    repo.commit();
    let plan = repo.plan(&["--head", "work"]);
    assert_eq!(plan["every_job"]["mend"], "git switch --detach work");
    assert_eq!(repo.selected(&["--head", "work"]), jobs(EVERY_JOB));
}

#[test]
fn what_main_did_meanwhile_is_no_change_of_ours() {
    let repo = Repo::new();
    repo.write("drivers/nfs/src/lib.rs", "//! Ours.\n");
    repo.commit();
    repo.git(&["switch", "--quiet", "main"]);
    repo.write("common/src/lib.rs", "//! Theirs.\n");
    repo.commit();
    repo.git(&["switch", "--quiet", "work"]);
    assert_eq!(repo.selected(&[]), jobs(["driver-nfs"]));
}

#[test]
fn a_rename_across_crates_selects_both() {
    let repo = Repo::new();
    repo.git(&["mv", "drivers/nfs/tests/it.rs", "drivers/lvm/tests/moved.rs"]);
    assert_eq!(repo.selected(&[]), jobs(["driver-nfs", "driver-lvm"]));
    repo.commit();
    assert_eq!(repo.selected(&["--head", "work"]), jobs(["driver-nfs", "driver-lvm"]));
}

#[test]
fn a_deleted_file_is_seen() {
    let repo = Repo::new();
    fs::remove_file(repo.path("drivers/nfs/tests/it.rs")).unwrap();
    assert_eq!(repo.selected(&[]), jobs(["driver-nfs"]));
}

#[test]
fn a_deleted_crate_selects_those_who_used_it() {
    let repo = Repo::new();
    fs::remove_dir_all(repo.path("drivers/nfs")).unwrap();
    let shell = &repo.shell;
    cmd!(shell, "cargo generate-lockfile --offline --quiet").quiet().run().unwrap();
    assert_eq!(repo.selected(&[]), jobs([]));
    let shell = &repo.shell;
    fs::remove_dir_all(repo.path("drivers/file-volumes")).unwrap();
    let jobs_file = fs::read_to_string(repo.path("ci/jobs.toml")).unwrap();
    let entry = "[[job]]\nname = \"file-volumes\"\npackages = [\"file-volumes\"]\n";
    repo.write("ci/jobs.toml", &jobs_file.replace(entry, ""));
    repo.write("drivers/local/Cargo.toml", "[package]\nname = \"driver-local\"\nedition = \"2024\"\n");
    cmd!(shell, "cargo generate-lockfile --offline --quiet").quiet().run().unwrap();
    repo.git(&["commit", "--quiet", "--message", "The job goes before its crate.", "--", "ci/jobs.toml"]);
    assert_eq!(repo.selected(&["--base", "HEAD"]), jobs(["driver-local"]));
}

#[test]
fn a_new_driver_needs_its_folder_alone() {
    let repo = Repo::new();
    repo.write("drivers/zfs/Cargo.toml", "[package]\nname = \"driver-zfs\"\nedition = \"2024\"\n");
    repo.write("drivers/zfs/src/lib.rs", "//! Nothing.\n");
    repo.write("drivers/zfs/job.toml", "voting = false\n");
    let shell = &repo.shell;
    cmd!(shell, "cargo generate-lockfile --offline --quiet").quiet().run().unwrap();
    repo.commit();
    repo.write("drivers/zfs/src/lib.rs", "//! Something.\n");
    let plan = repo.plan(&["--base", "HEAD"]);
    let running: Vec<_> = plan["jobs"].as_array().unwrap().iter().filter(|job| job["state"] == "run").collect();
    assert_eq!(running.len(), 1);
    assert_eq!((&running[0]["name"], &running[0]["voting"]), (&"driver-zfs".into(), &false.into()));
}

#[test]
fn execute_bits_and_links_are_seen_and_times_are_not() {
    let repo = Repo::new();
    repo.link("drivers/lvm/linked.txt", "../../README.md");
    repo.commit();
    fs::set_permissions(repo.path("drivers/nfs/src/lib.rs"), fs::Permissions::from_mode(0o755)).unwrap();
    // The same bytes again: only the time differs.
    repo.write("common/src/lib.rs", "//! Nothing.\n");
    assert_eq!(repo.selected(&["--base", "HEAD"]), jobs(["driver-nfs"]));
    repo.write("README.md", "A link leads here.\n");
    assert_eq!(repo.selected(&["--base", "HEAD"]), jobs(["driver-nfs", "driver-lvm"]));
    repo.commit();
    assert_eq!(repo.selected(&["--base", "HEAD~", "--head", "HEAD"]), jobs(["driver-nfs", "driver-lvm"]));
    fs::remove_file(repo.path("drivers/lvm/linked.txt")).unwrap();
    repo.link("drivers/lvm/linked.txt", "../../elsewhere");
    assert_eq!(repo.selected(&["--base", "HEAD"]), jobs(["driver-lvm"]));
}

#[test]
fn hostile_names_keep_their_place() {
    let repo = Repo::new();
    for name in [&b"drivers/nfs/a\nb \"c\".rs"[..], b"drivers/nfs/\xff\xfe", b"drivers/lvm/ :100644 x", b"docs/\x01"] {
        repo.write_bytes(name, "x");
    }
    assert_eq!(repo.selected(&[]), jobs(["driver-nfs", "driver-lvm"]));
    repo.commit();
    assert_eq!(repo.selected(&["--head", "HEAD"]), jobs(["driver-nfs", "driver-lvm"]));
    let plan = repo.plan(&[]);
    let nfs = plan["jobs"].as_array().unwrap().iter().find(|job| job["name"] == "driver-nfs").unwrap();
    assert_eq!(nfs["reason"]["path"], "drivers/nfs/a\\nb \"c\".rs");
}

#[test]
fn the_same_change_prints_the_same_bytes_from_any_folder() {
    let repo = Repo::new();
    repo.write("drivers/nfs/src/lib.rs", "//! Another.\n");
    let from_root = repo.affected(&["--format", "json"]);
    repo.shell.change_dir(repo.path("drivers/lvm"));
    assert_eq!(repo.affected(&["--format", "json"]).stdout, from_root.stdout);
}

#[test]
fn without_a_merge_base_every_job_runs_and_the_reason_is_told() {
    let repo = Repo::new();
    repo.git(&["switch", "--quiet", "--orphan", "other"]);
    repo.git(&["checkout", "--quiet", "main", "--", "."]);
    repo.write("drivers/nfs/src/lib.rs", "//! Another.\n"); // the same bytes in the same second are the same commit
    repo.commit();
    let plan = repo.plan(&[]);
    assert_eq!(plan["every_job"]["reason"], "main and HEAD have no commit in common");
    assert_eq!(repo.selected(&[]), jobs(EVERY_JOB));
}

#[test]
fn a_shallow_clone_runs_every_job_and_says_how_to_mend_it() {
    let repo = Repo::new();
    repo.write("drivers/nfs/src/lib.rs", "//! Another.\n");
    repo.commit();
    let source = format!("file://{}", repo.path(".").display());
    let clone = Repo::empty();
    clone.git(&["clone", "--quiet", "--depth", "1", "--no-single-branch", "--branch", "work", &source, "."]);
    let plan = clone.plan(&[]);
    assert_eq!(plan["every_job"]["mend"], "git fetch --unshallow origin");
    assert_eq!(clone.selected(&[]), jobs(EVERY_JOB));
}

#[test]
fn a_commit_that_is_not_in_the_clone_runs_every_job() {
    let repo = Repo::new();
    assert_eq!(repo.selected(&["--base", &"a".repeat(40)]), jobs(EVERY_JOB));
    assert_eq!(repo.selected(&["--base", &"0".repeat(40)]), jobs(EVERY_JOB));
}

#[test]
fn without_a_default_base_every_job_runs() {
    let repo = Repo::new();
    repo.git(&["branch", "--quiet", "-m", "main", "trunk"]);
    assert_eq!(repo.selected(&[]), jobs(EVERY_JOB));
    assert_eq!(repo.selected(&["--base", "trunk"]), jobs([]));
}

#[test]
fn wrong_use_is_told_and_makes_no_plan() {
    refused(&Repo::empty(), &[], "not in a git work tree");
    let repo = Repo::new();
    refused(&repo, &["--base", "mian"], "no revision `mian`");
    refused(&repo, &["--head=--output=x"], "no revision `--output=x`");
    let table = fs::read_to_string(repo.path("ci/jobs.toml")).unwrap();
    repo.write("ci/jobs.toml", &table.replacen("packages = [", "package = [", 1));
    refused(&repo, &[], "TOML parse error at line 10");
    repo.write("ci/jobs.toml", &table.replace("[\"tool\"]", "[\"common\"]"));
    refused(&repo, &[], "no job covers package `tool`");
    fs::remove_file(repo.path("ci/jobs.toml")).unwrap();
    refused(&repo, &[], "ci/jobs.toml");
    repo.write("ci/jobs.toml", &table);
    let manifest = fs::read_to_string(repo.path("tool/Cargo.toml")).unwrap();
    repo.write("tool/Cargo.toml", &format!("{manifest}common = {{ path = \"../common\" }}\n"));
    refused(&repo, &[], "if Cargo.lock does not fit the manifests");
    repo.write("tool/Cargo.toml", "[package\n");
    refused(&repo, &[], "cargo metadata");
}

#[test]
fn a_path_and_a_job_can_be_explained() {
    let repo = Repo::new();
    repo.write("drivers/file-volumes/src/lib.rs", "//! Another.\n");
    let explain = |subject: &str| String::from_utf8(repo.affected(&["--explain", subject]).stdout).unwrap();
    let way = "drivers/file-volumes/src/lib.rs → file-volumes → driver-nfs";
    assert!(explain("driver-nfs").contains(way), "{}", explain("driver-nfs"));
    assert!(explain("drivers/file-volumes/src/lib.rs").contains(way));
    assert!(explain("docs/x").contains("it selects no job"));
}

#[test]
fn a_workspace_below_the_work_tree_s_root_takes_what_is_outside_for_unknown() {
    let repo = Repo::new();
    let outer = Repo::empty();
    let inner = outer.path("inner");
    let source = repo.path(".");
    let shell = &outer.shell;
    cmd!(shell, "cp -r {source} {inner}").quiet().run().unwrap();
    fs::remove_dir_all(outer.path("inner/.git")).unwrap();
    outer.write("note.txt", "");
    outer.git(&["init", "--quiet", "-b", "main"]);
    outer.commit();
    outer.shell.change_dir(&inner);
    outer.write("inner/drivers/nfs/src/lib.rs", "//! Another.\n");
    assert_eq!(outer.selected(&[]), jobs(["driver-nfs"]));
    outer.write("note.txt", "changed");
    assert_eq!(outer.selected(&[]), jobs(EVERY_JOB));
}

#[test]
fn the_gate_takes_the_plan_as_it_was_printed() {
    let repo = Repo::new();
    repo.write("drivers/nfs/src/lib.rs", "//! Another.\n");
    let plan = repo.affected(&["--format", "json"]).stdout;
    repo.write("target/plan.json", std::str::from_utf8(&plan).unwrap());
    let gate = |plan: &str| {
        let (shell, program) = (&repo.shell, env!("CARGO_BIN_EXE_xtask"));
        let command = cmd!(shell, "{program} gate --plan {plan} --reports target/reports");
        command.quiet().ignore_status().output().unwrap().status.code()
    };
    assert_eq!(gate("target/plan.json"), Some(1));
    let report = "<testsuites><testsuite name=\"s\"><testcase name=\"x\"/></testsuite></testsuites>";
    repo.write("target/reports/driver-nfs.xml", report);
    assert_eq!(gate("target/plan.json"), Some(0));
    repo.write(
        "target/reports/driver-nfs.xml",
        &report.replace("/></testsuite>", "><failure/></testcase></testsuite>"),
    );
    assert_eq!(gate("target/plan.json"), Some(1));
    assert_eq!(gate("target/no-plan.json"), Some(2));
    assert_eq!(gate("ci/jobs.toml"), Some(2));
}
