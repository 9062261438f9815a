//! A PostgreSQL server for people and for runs: up, down, and whatever is killed in between.

#![expect(clippy::unwrap_used, reason = "what cannot be read is a failed test")]

use std::{
    fs,
    path::Path,
    process::{Child, Command},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use xshell::cmd;

use crate::repo::Repo;

const PATIENCE: Duration = Duration::from_secs(60);

/// What `lab` answered, and its exit status.
fn lab(repo: &Repo, words: &str) -> (Option<i32>, String) {
    let (shell, program) = (&repo.shell, env!("CARGO_BIN_EXE_xtask"));
    let words: Vec<&str> = words.split(' ').collect();
    let output = cmd!(shell, "{program} lab {words...}").quiet().ignore_status().output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code(), said)
}

fn done(repo: &Repo, words: &str) -> String {
    let (status, said) = lab(repo, words);
    assert_eq!(status, Some(0), "lab {words}: {said}");
    said
}

fn up(repo: &Repo, words: &str) -> Value {
    let said = done(repo, &format!("up postgres --quick --format json{words}"));
    let told: Value = serde_json::from_str(&said).unwrap();
    let password = fs::read_to_string(told["password_file"].as_str().unwrap()).unwrap();
    assert!(!said.contains(&password), "the password was printed");
    told
}

/// How many processes work in the server's directory.
fn processes(told: &Value) -> usize {
    let data = Path::new(told["data"].as_str().unwrap());
    let entries = fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read_link(entry.ok()?.path().join("cwd")).ok());
    entries.filter(|at| at.starts_with(data)).count()
}

fn kill(process: u64) {
    kill_process(Pid::from_raw(i32::try_from(process).unwrap()).unwrap(), Signal::KILL).unwrap();
}

fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Takes the lab down also where the test failed.
struct Lowered(Repo);

impl Drop for Lowered {
    fn drop(&mut self) {
        let _said = lab(&self.0, "down postgres");
    }
}

#[test]
fn it_is_raised_once_and_all_of_it_is_taken_down() {
    let lowered = Lowered(Repo::new());
    let repo = &lowered.0;
    let told = up(repo, "");
    assert_eq!(up(repo, ""), told);
    assert!(done(repo, "shell postgres -- --list").contains("template0"));
    assert!(processes(&told) > 1);
    done(repo, "down postgres");
    assert_eq!(processes(&told), 0);
    let gone = |name: &str| !Path::new(told[name].as_str().unwrap()).exists();
    assert!(gone("data") && gone("socket") && gone("password_file") && !repo.path("target/lab/postgres").exists());
    done(repo, "down postgres");
    assert_eq!(lab(repo, "status postgres"), (Some(1), "down\n".to_owned()));
    let (status, said) = lab(repo, "kill postgres");
    assert_eq!(status, Some(2));
    assert!(said.contains("postgres is not up: `cargo xtask lab up postgres`"), "{said}");
}

#[test]
fn a_killed_server_is_started_again_at_the_same_address() {
    let lowered = Lowered(Repo::new());
    let repo = &lowered.0;
    let told = up(repo, "");
    done(repo, "kill postgres");
    assert_eq!(processes(&told), 0);
    let (status, said) = lab(repo, "status postgres");
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("does not answer"), "{said}");
    done(repo, "restart postgres");
    assert_eq!(up(repo, ""), told);
    done(repo, "restart postgres");
    assert!(done(repo, "status postgres").contains("state          up"));
}

#[test]
fn a_killed_keeper_leaves_nothing_that_runs_and_the_next_removes_the_rest() {
    let lowered = Lowered(Repo::new());
    let repo = &lowered.0;
    let told = up(repo, "");
    kill(told["keeper"].as_u64().unwrap());
    eventually("the server outlives its keeper", || processes(&told) == 0);
    assert_eq!(lab(repo, "status postgres"), (Some(1), "down\n".to_owned()));
    assert!(Path::new(told["data"].as_str().unwrap()).exists(), "nobody could remove it");
    let again = up(repo, "");
    assert_ne!(again["data"], told["data"]);
    let gone = |name: &str| !Path::new(told[name].as_str().unwrap()).exists();
    assert!(gone("data") && gone("socket"));
}

/// Something to end with.
fn run(repo: &Repo) -> Child {
    let shell = &repo.shell;
    Command::from(cmd!(shell, "sleep 600").quiet()).spawn().unwrap()
}

#[test]
fn it_ends_with_the_run_that_it_was_raised_for_and_other_runs_leave_it() {
    let lowered = Lowered(Repo::new());
    let repo = &lowered.0;
    let mut owner = run(repo);
    let told = up(repo, &format!(" --for-process {}", owner.id()));
    assert_eq!(told["for_process"], owner.id());
    let said = done(repo, &format!("down postgres --for-process {}", std::process::id()));
    assert!(said.contains("stays up"), "{said}");
    assert!(processes(&told) > 1);
    owner.kill().unwrap();
    owner.wait().unwrap();
    eventually("the server outlives the run", || lab(repo, "status postgres").0 == Some(1));
    eventually("it left its files", || !Path::new(told["data"].as_str().unwrap()).exists());
    assert_eq!(processes(&told), 0);
}

/// The process of a job that stays, once its run has raised the lab for it.
fn job_of_a_run(repo: &Repo) -> (Child, u64) {
    let program = env!("CARGO_BIN_EXE_xtask");
    let jobs = fs::read_to_string(repo.path("ci/jobs.toml")).unwrap();
    let [raise, lower] = ["up postgres --quick", "down postgres"].map(|words| format!("{program} lab {words}"));
    let lab = format!("[[lab]]\nname = \"postgres\"\nraise = \"{raise}\"\nlower = \"{lower}\"\n");
    repo.write("ci/jobs.toml", &format!("{jobs}\n{lab}"));
    let command = "echo $$ > target/began.part; mv target/began.part target/began; exec sleep 600";
    repo.write("drivers/nfs/job.toml", &format!("lab = \"postgres\"\ncommand = \"{command}\"\n"));
    repo.commit();
    repo.write("drivers/nfs/src/lib.rs", "//! Another.\n");
    let shell = &repo.shell;
    let run = Command::from(cmd!(shell, "{program} ci --base HEAD --plain").quiet()).spawn().unwrap();
    eventually("the job never began", || repo.path("target/began").exists());
    let job = fs::read_to_string(repo.path("target/began")).unwrap();
    (run, job.trim().parse().unwrap())
}

#[test]
fn a_killed_run_leaves_no_lab() {
    let lowered = Lowered(Repo::new());
    let repo = &lowered.0;
    let (mut run, job) = job_of_a_run(repo);
    let told = up(repo, "");
    assert_eq!(told["for_process"], run.id());
    run.kill().unwrap();
    run.wait().unwrap();
    eventually("the server outlives the run", || lab(repo, "status postgres").0 == Some(1));
    assert_eq!(processes(&told), 0);
    kill(job);
}

#[test]
fn what_a_keeper_says_is_told() {
    let lowered = Lowered(Repo::new());
    let (status, said) = lab(&lowered.0, "up postgres --quick --for-process 2147483646");
    assert_eq!(status, Some(2));
    assert!(said.contains("there is no process 2147483646 to end with"), "{said}");
}
