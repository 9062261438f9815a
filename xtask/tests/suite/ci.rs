//! `cargo xtask ci` with real cargo, clippy and nextest, in a small workspace.

#![expect(clippy::unwrap_used, reason = "what cannot be read is a failed test")]

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use xshell::cmd;

use crate::repo::Repo;

const PATIENCE: Duration = Duration::from_secs(100);

fn ci(repo: &Repo, arguments: &[&str]) -> (Option<i32>, String) {
    let output = repo.xtask("ci", &[&["--plain"], arguments].concat());
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

fn judgement(repo: &Repo) -> serde_json::Value {
    let text = fs::read_to_string(repo.path("target/nextest/ci/judgement.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn outcome(judgement: &serde_json::Value, job: &str) -> String {
    let jobs = judgement["jobs"].as_array().unwrap();
    jobs.iter().find(|found| found["name"] == job).unwrap()["outcome"].as_str().unwrap().to_owned()
}

#[test]
fn what_the_plan_demands_runs_and_is_judged() {
    let repo = Repo::new();
    repo.write("target/nextest/ci/driver-lvm.xml", "stale");
    repo.write("drivers/nfs/tests/it.rs", "//! Something.\n\n#[test]\nfn holds() {}\n");
    repo.write("drivers/lvm/tests/it.rs", "//! Something.\n\n#[test]\nfn holds() {}\n");
    let (status, said) = ci(&repo, &["--jobs", "2"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("the gate is open"), "{said}");
    let judged = judgement(&repo);
    assert_eq!(outcome(&judged, "lint"), "passed");
    assert_eq!(
        ["driver-nfs", "driver-lvm", "common"].map(|job| outcome(&judged, job)),
        ["passed", "passed", "unaffected"]
    );
    let planned = fs::read_to_string(repo.path("target/nextest/ci/plan.json")).unwrap();
    assert!(planned.contains("drivers/nfs/tests/it.rs"), "{planned}");

    repo.write("drivers/lvm/tests/it.rs", "//! Something.\n\n#[test]\nfn holds() {\n    panic!(\"it does not\");\n}\n");
    let (status, said) = ci(&repo, &[]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("the gate is shut by driver-lvm"), "{said}");
    assert_eq!(outcome(&judgement(&repo), "driver-nfs"), "passed");
}

#[test]
fn without_a_job_to_run_lints_decide() {
    let repo = Repo::new();
    repo.write("README.md", "Another.\n");
    let (status, said) = ci(&repo, &[]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("no job was to run") && said.contains("the gate is open"), "{said}");
    repo.write("tool/src/lib.rs", "//! Not  formatted.\n pub  fn x(){}\n");
    repo.commit();
    let (status, said) = ci(&repo, &["--base", "HEAD"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("the gate is shut by lint"), "{said}");
}

#[test]
fn a_dry_run_tells_and_runs_nothing() {
    let repo = Repo::new();
    repo.write("drivers/nfs/src/lib.rs", "//! Another.\n");
    let (status, said) = ci(&repo, &["--dry-run"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.ends_with("would run:\n  cargo xtask test lint\n  cargo xtask test driver-nfs\n"), "{said}");
    assert!(!repo.path("target").exists());
}

#[test]
fn without_a_plan_there_is_no_judgement() {
    let (status, said) = ci(&Repo::new(), &["--base", "mian"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("no revision `mian`"), "{said}");
}

/// A job with a command of its own that says when it began and then stays, and a lab that says when it went.
fn staying() -> Repo {
    let repo = Repo::new();
    let jobs = fs::read_to_string(repo.path("ci/jobs.toml")).unwrap();
    let lab = "[[lab]]\nname = \"rig\"\nraise = \"touch target/raised\"\nlower = \"touch target/lowered\"\n";
    repo.write("ci/jobs.toml", &format!("{jobs}\n{lab}"));
    let command = "echo $LAB $$ > target/began.part; mv target/began.part target/began; sleep 600; true";
    repo.write("drivers/nfs/job.toml", &format!("lab = \"rig\"\ncommand = \"{command}\"\n"));
    repo.commit();
    repo.write("drivers/nfs/src/lib.rs", "//! Another.\n");
    repo
}

#[test]
fn ctrl_c_ends_what_was_started_and_lowers_the_lab() {
    let repo = staying();
    let shell = &repo.shell;
    let program = env!("CARGO_BIN_EXE_xtask");
    let mut child = Command::from(cmd!(shell, "{program} ci --base HEAD --plain").quiet()).spawn().unwrap();
    let started = Instant::now();
    let began = loop {
        if let Ok(began) = fs::read_to_string(repo.path("target/began")) {
            break began;
        }
        assert!(started.elapsed() < PATIENCE && child.try_wait().unwrap().is_none(), "the job never began");
        std::thread::sleep(Duration::from_millis(20));
    };
    let (status, said) = ci(&repo, &["--base", "HEAD"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("another `cargo xtask ci` runs"), "{said}");

    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(2));
    let (lab, job) = began.trim().split_once(' ').unwrap();
    assert_eq!(lab, "rig");
    assert!(!repo.path("/proc").join(job).exists(), "the job goes on");
    assert!(repo.path("target/lowered").exists());
}

#[test]
fn a_command_that_fails_shuts_the_gate_though_its_report_is_green() {
    let repo = Repo::new();
    let report = "<testsuites><testsuite name='s'><testcase name='x'/></testsuite></testsuites>";
    let command = format!("echo \\\"{report}\\\" > target/nextest/ci/driver-nfs.xml; exit 3");
    repo.write("drivers/nfs/job.toml", &format!("command = \"{command}\"\n"));
    repo.commit();
    repo.write("drivers/nfs/src/lib.rs", "//! Another.\n");
    let (status, said) = ci(&repo, &["--base", "HEAD"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("1 passed, 1 failed") && said.contains("shut by driver-nfs"), "{said}");
}
