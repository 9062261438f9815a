//! Jobs recorded for real: what a record says, and what makes it stale.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made is a failed test")]

use std::{
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use xshell::cmd;

use crate::repo::Repo;

const TESTS: &str = r#"
#[test]
fn reads() {
    assert_eq!(std::fs::read_to_string("tests/fixture.txt").unwrap(), "fixture");
    assert!(std::fs::read_dir("tests/cases").unwrap().count() > 0);
    assert!(std::fs::metadata("optional").is_err());
    assert_eq!(tool::TEXT, "text");
}
"#;

/// A repository whose job `tool` includes a file, reads one, lists a folder and looks for what is not there.
fn repo() -> Repo {
    let repo = Repo::new();
    repo.write("tool/src/lib.rs", "//! A tool.\npub const TEXT: &str = include_str!(\"../text.txt\");\n");
    repo.write("tool/text.txt", "text");
    repo.write("tool/unread.txt", "nobody");
    repo.write("tool/tests/it.rs", TESTS);
    repo.write("tool/tests/fixture.txt", "fixture");
    repo.write("tool/tests/cases/one", "");
    repo.commit();
    repo
}

fn evidence(repo: &Repo, arguments: &[&str]) -> Output {
    let shell = &repo.shell;
    let program = env!("CARGO_BIN_EXE_xtask");
    cmd!(shell, "{program} evidence {arguments...}").env("CI", "true").quiet().ignore_status().output().unwrap()
}

fn check_status(output: &Output, expected: i32) {
    let said = || format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(expected), "{}", said());
}

fn shown(repo: &Repo) -> Value {
    let output = evidence(repo, &["show", "--format", "json"]);
    check_status(&output, 0);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Whether the one record fits, or what makes it stale.
fn fit(repo: &Repo) -> String {
    let shown = shown(repo);
    let [record] = shown["records"].as_array().unwrap().as_slice() else { panic!("{shown}") };
    record.get("stale-by").unwrap_or(&record["fit"]).as_str().unwrap().to_owned()
}

fn record_file(repo: &Repo, job: &str) -> Value {
    let folder = repo.path("target/affected/records").join(job);
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

#[test]
fn a_record_fits_until_something_that_was_read_changes() {
    let repo = repo();
    check_status(&evidence(&repo, &["record", "tool"]), 0);
    let record = &shown(&repo)["records"][0];
    assert_eq!((&record["passed"], &record["tests"], &record["fit"]), (&true.into(), &1.into(), &"fits".into()));
    let seen = |path: &str, text: &str, stale_by: &str| {
        let before = std::fs::read_to_string(repo.path(path)).ok();
        repo.write(path, text);
        assert_eq!(fit(&repo), stale_by, "{path}");
        match before {
            Some(text) => repo.write(path, &text),
            None => std::fs::remove_file(repo.path(path)).unwrap(),
        }
        assert_eq!(fit(&repo), "fits", "as before");
    };
    seen("tool/unread.txt", "other", "fits");
    seen("common/src/lib.rs", "//! Other.\n", "fits");
    seen("tool/tests/cases/one", "its contents were not read", "fits");
    seen("tool/text.txt", "other", "tool/text.txt");
    seen("tool/src/lib.rs", "//! Other.\n", "tool/src/lib.rs");
    seen("tool/tests/fixture.txt", "other", "tool/tests/fixture.txt");
    seen("tool/tests/cases/two", "", "tool/tests/cases");
    seen("tool/optional", "", "tool/optional");
    seen("tool/tests/new.rs", "", "tool/tests");
    seen("tool/Cargo.toml", "[package]\nname = \"tool\"\nedition = \"2024\"\n# changed\n", "tool/Cargo.toml");
}

#[test]
fn a_record_names_what_was_built_and_what_ran() {
    let repo = repo();
    check_status(&evidence(&repo, &["record", "tool"]), 0);
    let record = record_file(&repo, "tool");
    assert_eq!(record["packages"], serde_json::json!(["tool 0.0.0"]));
    let produced: Vec<&String> = record["produced"].as_object().unwrap().keys().collect();
    assert!(produced.iter().any(|path| path.starts_with("debug/deps/it-")), "{produced:?}");
    assert!(record["built-from"].get("tool/text.txt").is_some() && record["run-on"].get("tool/text.txt").is_none());
    assert!(record["run-on"].get("tool/tests/fixture.txt").is_some());
    assert_eq!(record["run-on"]["tool/optional"], "absent");
    assert!(record["governed-by"].get("Cargo.lock").is_some());
    let outside = |part: &str| record[part].as_object().unwrap().keys().any(|path| path.starts_with("target"));
    assert!(!["governed-by", "built-from", "run-on"].into_iter().any(outside), "{record}");
    let everything = evidence(&repo, &["record", "tool"]);
    check_status(&everything, 0);
    assert_eq!(shown(&repo)["records"].as_array().unwrap().len(), 2, "members are built anew, so again all is seen");
}

#[test]
fn a_job_that_fails_has_a_record_that_says_so() {
    let repo = repo();
    repo.write("tool/tests/fixture.txt", "other");
    let output = evidence(&repo, &["record", "tool"]);
    check_status(&output, 1);
    assert_eq!((&shown(&repo)["records"][0]["passed"], fit(&repo)), (&false.into(), "fits".to_owned()));
    repo.write("tool/tests/fixture.txt", "fixture");
    assert_eq!(fit(&repo), "tool/tests/fixture.txt");
}

#[test]
fn a_job_without_a_test_and_one_that_does_not_build_have_not_passed() {
    let repo = repo();
    check_status(&evidence(&repo, &["record", "common"]), 1);
    repo.write("tool/src/lib.rs", "//! Broken.\npub fn f() -> u8 { include_str!(\"../text.txt\") }\n");
    check_status(&evidence(&repo, &["record", "tool"]), 1);
    let shown = shown(&repo);
    let passed: Vec<&Value> = shown["records"].as_array().unwrap().iter().map(|record| &record["passed"]).collect();
    assert_eq!(passed, [&Value::from(false), &Value::from(false)]);
    assert!(record_file(&repo, "tool")["built-from"].get("tool/text.txt").is_some(), "it was read all the same");
}

#[test]
fn of_a_run_during_which_the_tree_changed_nothing_is_kept() {
    let repo = repo();
    repo.write("tool/tests/it.rs", "#[test]\nfn writes() {\n    std::fs::write(\"unread.txt\", \"x\").unwrap();\n}\n");
    let output = evidence(&repo, &["record", "tool"]);
    check_status(&output, 1);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("tool/unread.txt changed while it ran"), "{said}");
    assert_eq!(shown(&repo)["records"], serde_json::json!([]));
}

#[test]
fn who_reads_in_the_history_depends_on_all_of_it() {
    let repo = repo();
    repo.write("tool/tests/it.rs", "#[test]\nfn reads() {\n    std::fs::read(\"../.git/HEAD\").unwrap();\n}\n");
    check_status(&evidence(&repo, &["record", "tool"]), 0);
    assert_eq!(fit(&repo), ".git");
}

#[test]
fn a_command_of_ones_own_is_run_and_its_scripts_are_inputs() {
    let repo = repo();
    let jobs = std::fs::read_to_string(repo.path("ci/jobs.toml")).unwrap();
    repo.write("ci/jobs.toml", &jobs.replace("name = \"tool\"\n", "name = \"tool\"\ncommand = \"sh tool/run.sh\"\n"));
    repo.write("tool/run.sh", "cat tool/unread.txt\ncargo test --offline --package tool\n");
    repo.commit();
    check_status(&evidence(&repo, &["record", "tool"]), 0);
    let record = record_file(&repo, "tool");
    assert_eq!((&record["passed"], &record["tests"]), (&true.into(), &1.into()));
    for path in ["tool/run.sh", "tool/unread.txt", "tool/tests/fixture.txt"] {
        assert!(record["run-on"].get(path).is_some(), "{path}");
    }
    assert!(record["built-from"].get("tool/text.txt").is_some());
}

#[test]
fn stores_are_merged_shown_and_pruned() {
    let repo = repo();
    check_status(&evidence(&repo, &["record", "tool", "--records", "one"]), 0);
    std::fs::create_dir_all(repo.path("two/tool")).unwrap();
    repo.write("two/tool/partial.json", "{");
    let merged = evidence(&repo, &["merge", "one", "two"]);
    check_status(&merged, 0);
    assert!(String::from_utf8_lossy(&merged.stdout).contains("1 new, 0 known"));
    assert!(String::from_utf8_lossy(&merged.stderr).contains("partial.json is left out"));
    let text = evidence(&repo, &["show", "tool"]);
    check_status(&text, 0);
    assert!(String::from_utf8_lossy(&text.stdout).contains("tool"));
    check_status(&evidence(&repo, &["prune", "--keep", "1"]), 0);
    assert_eq!(shown(&repo)["records"].as_array().unwrap().len(), 1);
}

#[test]
fn wrong_use_is_refused() {
    let repo = Repo::new();
    for arguments in [&["record", "toool"][..], &["show", "toool"], &["merge", "nowhere"], &[]] {
        check_status(&evidence(&repo, arguments), 2);
    }
    let empty = Repo::empty();
    check_status(&evidence(&empty, &["show"]), 2);
}

#[test]
fn a_recorder_that_is_killed_leaves_no_process_and_no_half_record() {
    let repo = repo();
    let endless = "#[test]\nfn endless() {\n    std::fs::write(concat!(env!(\"CARGO_TARGET_TMPDIR\"), \"/pid\"), \
                   std::process::id().to_string()).unwrap();\n    std::thread::sleep(std::time::Duration::from_secs(600));\n}\n";
    repo.write("tool/tests/it.rs", endless);
    let shell = &repo.shell;
    let program = env!("CARGO_BIN_EXE_xtask");
    let mut command = Command::from(cmd!(shell, "{program} evidence record tool").env("CI", "true"));
    let mut recorder = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut test = String::new();
    wait("the test runs", || {
        test = std::fs::read_to_string(repo.path("target/evidence/tmp/pid")).unwrap_or_default();
        !test.is_empty()
    });
    recorder.kill().unwrap();
    assert_eq!(recorder.wait().unwrap().signal(), Some(9));
    // One that is dead and was not yet fetched by its new parent has no command line.
    let process = Path::new("/proc").join(&test).join("cmdline");
    wait("the test is ended", || std::fs::read(&process).unwrap_or_default().is_empty());
    assert_eq!(shown(&repo)["records"], serde_json::json!([]));
    repo.write("tool/tests/it.rs", TESTS);
    check_status(&evidence(&repo, &["record", "tool"]), 0);
}

fn wait(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(120), "{what}: not within two minutes");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_plan_with_a_record_leaves_out_who_did_not_read_what_changed() {
    let repo = repo();
    repo.write("drivers/nfs/tests/it.rs", "#[test]\nfn passes() {}\n");
    repo.commit();
    check_status(&evidence(&repo, &["record", "tool", "driver-nfs"]), 0);
    let selected = |path: &str, text: &str| {
        let before = std::fs::read_to_string(repo.path(path)).ok();
        repo.write(path, text);
        let with = repo.selected(&["--base", "HEAD"]);
        let without = repo.selected(&["--base", "HEAD", "--no-records"]);
        match before {
            Some(text) => repo.write(path, &text),
            None => std::fs::remove_file(repo.path(path)).unwrap(),
        }
        (with.contains("tool"), without.contains("tool"))
    };
    assert_eq!(selected("tool/unread.txt", "other"), (false, true));
    assert_eq!(selected("nobody.txt", "new"), (false, true), "what nothing places");
    assert_eq!(selected("tool/text.txt", "other"), (true, true));
    assert_eq!(selected("tool/optional", "found"), (true, true));
    assert_eq!(selected("tool/tests/new.rs", "//! New.\n"), (true, true));
    assert_eq!(selected("tool/tests/cases/two", "two"), (true, true));
    // What was recorded of one says nothing of another, and a driver's own folder is its own.
    repo.write("drivers/nfs/notes", "new");
    assert!(repo.selected(&["--base", "HEAD"]).contains("driver-nfs"));
}

#[test]
fn a_job_that_passed_on_these_inputs_is_proved_until_one_of_them_changes() {
    let repo = repo();
    let jobs = std::fs::read_to_string(repo.path("ci/jobs.toml")).unwrap();
    let proving = jobs.replace("name = \"tool\"\n", "name = \"tool\"\nproofs = true\nreads = [\"settings/*\"]\n");
    assert_ne!(proving, jobs);
    repo.write("ci/jobs.toml", &proving);
    repo.write("settings/a", "a");
    repo.commit();
    check_status(&evidence(&repo, &["record", "tool"]), 0);
    let base = ["--base", "HEAD~"];
    let state = || {
        let plan = repo.plan(&base);
        let job = plan["jobs"].as_array().unwrap().iter().find(|job| job["name"] == "tool").unwrap().clone();
        (job["state"].as_str().unwrap().to_owned(), job["proof"]["record"].as_str().map(str::to_owned))
    };
    // The job table is of this change, so that every job would run, and the record does not know the table.
    assert_eq!(state().0, "run");
    repo.git(&["commit", "--quiet", "--allow-empty", "--message", "Nothing."]);
    let at = |path: &str, text: &str| {
        repo.write(path, text);
        repo.plan(&["--base", "HEAD"])["jobs"].as_array().unwrap().iter().find(|job| job["name"] == "tool").unwrap()["state"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(at("tool/text.txt", "other"), "run");
    repo.commit();
    // Back to what the record saw: the change reaches the job, and the job is known to pass.
    assert_eq!(at("tool/text.txt", "text"), "proved");
    assert_eq!(at("settings/a", "b"), "run", "what the team says it reads");
    assert_eq!(at("settings/a", "a"), "proved");
    assert_eq!(at("settings/new", "c"), "run", "what the team says it reads, and the run did not know");
    std::fs::remove_file(repo.path("settings/new")).unwrap();
    assert_eq!(at("tool/tests/new.rs", "//! A test more.\n"), "run");
    std::fs::remove_file(repo.path("tool/tests/new.rs")).unwrap();
    assert_eq!(at("tool/text.txt", "text"), "proved");
    // The gate takes the proof for the report.
    let plan = repo.affected(&["--base", "HEAD", "--format", "json"]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("plan.json"), &plan.stdout).unwrap();
    let (shell, program, plan, reports) =
        (&repo.shell, env!("CARGO_BIN_EXE_xtask"), folder.path().join("plan.json"), folder.path());
    let gate =
        cmd!(shell, "{program} gate --plan {plan} --reports {reports}").quiet().ignore_status().output().unwrap();
    check_status(&gate, 0);
    let said = String::from_utf8_lossy(&gate.stdout).into_owned();
    assert!(said.contains("proved") && said.contains("passed on the same inputs before"), "{said}");
}

#[test]
fn a_job_whose_programs_come_out_the_same_is_cut_off_and_another_program_is_run() {
    let repo = repo();
    let jobs = std::fs::read_to_string(repo.path("ci/jobs.toml")).unwrap();
    repo.write("ci/jobs.toml", &jobs.replace("name = \"tool\"\n", "name = \"tool\"\nproofs = true\n"));
    // Cargo builds again for this file, and nothing of it is in the programs.
    repo.write("tool/build.rs", "fn main() { println!(\"cargo::rerun-if-changed=table.txt\"); }\n");
    repo.write("tool/table.txt", "one");
    repo.commit();
    check_status(&evidence(&repo, &["record", "tool"]), 0);
    let ran = |path: &str, text: &str| {
        repo.write(path, text);
        let (shell, program) = (&repo.shell, env!("CARGO_BIN_EXE_xtask"));
        let ci = cmd!(shell, "{program} ci --base HEAD --plain").env("CI", "true").quiet().ignore_status();
        let _whatever_the_lints_say = ci.output().unwrap();
        let plan = std::fs::read_to_string(repo.path("target/nextest/ci/plan.json")).unwrap();
        let plan: Value = serde_json::from_str(&plan).unwrap();
        plan["jobs"].as_array().unwrap().iter().find(|job| job["name"] == "tool").unwrap()["state"].clone()
    };
    assert_eq!(ran("tool/table.txt", "two"), "proved");
    assert_eq!(ran("tool/src/lib.rs", "//! A tool.\npub const TEXT: &str = \"other\";\n"), "run");
}
