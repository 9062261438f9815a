//! Odd and hostile surroundings: a clear message, or the safe answer; never a plan that is silently too small.

#![expect(clippy::unwrap_used, reason = "what cannot be read is a failed test")]

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fmt::Write,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
    },
    process::Output,
    time::{Duration, Instant},
};

use quick_xml::{Reader, events::Event};
use xshell::cmd;

use crate::repo::{EVERY_JOB, Repo};

const FORMATS: [&[&str]; 10] = [
    &["--format=text"],
    &["--format=json"],
    &["--format=github"],
    &["--format=gitlab"],
    &["--format=buildkite"],
    &["--format=zuul"],
    &["--format=filterset"],
    &["--graph"],
    &["--explain=driver-nfs"],
    &["--explain=drivers/nfs/src/lib.rs"],
];

fn every_job() -> BTreeSet<String> {
    EVERY_JOB.map(str::to_owned).into()
}

fn only(job: &str) -> BTreeSet<String> {
    [job.to_owned()].into()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// No plan, exit status 2, and these words.
fn refused(repo: &Repo, arguments: &[&str], words: &[&str]) {
    let output = repo.affected(arguments);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(output.stdout.is_empty(), "a plan was printed");
    for word in words {
        assert!(said.contains(word), "`{word}` is not in: {said}");
    }
}

fn printed(repo: &Repo, arguments: &[&str]) -> Vec<u8> {
    let output = repo.affected(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    output.stdout
}

/// One driver differs from `main`.
fn changed() -> Repo {
    let repo = Repo::new();
    repo.write("drivers/nfs/src/lib.rs", "//! Another.\n");
    repo
}

#[test]
fn a_base_that_looks_like_an_option_is_a_name_that_does_not_exist() {
    let repo = changed();
    refused(&repo, &["--base=--output=x"], &["no revision `--output=x`"]);
    refused(&repo, &["--base="], &["no revision ``"]);
    assert!(!repo.path("x").exists());
}

#[test]
fn a_typo_in_the_job_table_is_told_with_file_line_and_key() {
    let repo = changed();
    let table = fs::read_to_string(repo.path("ci/jobs.toml")).unwrap();
    repo.write("ci/jobs.toml", &table.replacen("why =", "wyh =", 1));
    refused(&repo, &[], &["ci/jobs.toml", "line 23", "wyh"]);
    repo.write("ci/jobs.toml", &table);
    repo.write("drivers/nfs/job.toml", "\nvotign = false\n");
    refused(&repo, &[], &["drivers/nfs/job.toml", "line 2", "votign"]);
}

#[test]
fn a_folder_without_a_work_tree_is_refused() {
    let repo = changed();
    repo.git(&["clone", "--quiet", "--bare", ".", "bare.git"]);
    repo.shell.change_dir(repo.path("bare.git"));
    refused(&repo, &[], &["not in a git work tree"]);
}

/// A folder with links to these programs and nothing else is the PATH.
fn with_programs(repo: &Repo, programs: &[&str]) {
    let folder = repo.path("target/programs");
    fs::create_dir_all(&folder).unwrap();
    let shell = &repo.shell;
    for program in programs {
        let found = cmd!(shell, "sh -c").arg(format!("command -v {program}")).quiet().read().unwrap();
        symlink(found, folder.join(program)).unwrap();
    }
    repo.shell.set_var("PATH", folder);
}

#[test]
fn without_git_there_is_no_plan_and_git_is_named() {
    let repo = changed();
    with_programs(&repo, &["cargo", "rustc"]);
    refused(&repo, &[], &["git is needed and could not be started"]);
}

#[test]
fn without_cargo_there_is_no_plan_and_cargo_is_named() {
    let repo = changed();
    with_programs(&repo, &["git"]);
    refused(&repo, &["--no-cache"], &["cargo"]);
}

#[test]
fn a_hook_of_git_gets_the_answer_that_everybody_gets() {
    let repo = changed();
    let program = env!("CARGO_BIN_EXE_xtask");
    let hook = format!("#!/bin/sh\ncd drivers/lvm && {program} affected-tests --format json > ../../target/hooked\n");
    repo.write(".git/hooks/pre-commit", &hook);
    fs::set_permissions(repo.path(".git/hooks/pre-commit"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir_all(repo.path("target")).unwrap();
    repo.git(&["commit", "--quiet", "--all", "--message", "With a hook."]);
    let hooked: serde_json::Value = serde_json::from_slice(&fs::read(repo.path("target/hooked")).unwrap()).unwrap();
    let running: Vec<&serde_json::Value> =
        hooked["jobs"].as_array().unwrap().iter().filter(|job| job["state"] == "run").map(|job| &job["name"]).collect();
    assert_eq!(running, ["driver-nfs"]);
}

#[test]
fn a_repository_that_is_named_in_the_environment_is_the_one_that_is_asked() {
    let repo = changed();
    repo.shell.set_var("GIT_DIR", repo.path(".git"));
    repo.shell.set_var("GIT_WORK_TREE", repo.path("."));
    repo.shell.set_var("GIT_INDEX_FILE", repo.path(".git/index"));
    assert_eq!(repo.selected(&[]), only("driver-nfs"));
    // In an index of its own, which is empty, every file is about to be deleted.
    repo.shell.set_var("GIT_INDEX_FILE", repo.path(".git/other-index"));
    assert_eq!(repo.selected(&[]), every_job());
}

#[test]
fn a_linked_work_tree_is_judged_by_itself() {
    let repo = changed();
    repo.git(&["worktree", "add", "--quiet", "-b", "other", "target/linked", "main"]);
    repo.write("target/linked/drivers/lvm/src/lib.rs", "//! Another.\n");
    repo.shell.change_dir(repo.path("target/linked"));
    assert_eq!(repo.selected(&[]), only("driver-lvm"));
}

#[test]
fn a_detached_head_is_compared_like_a_branch() {
    let repo = changed();
    repo.commit();
    repo.git(&["switch", "--quiet", "--detach"]);
    assert_eq!(repo.selected(&[]), only("driver-nfs"));
}

#[test]
fn an_unborn_branch_runs_every_job_and_says_why() {
    let repo = changed();
    repo.git(&["symbolic-ref", "HEAD", "refs/heads/unborn"]);
    let plan = repo.plan(&[]);
    assert_eq!(plan["every_job"]["reason"], "there is no commit yet");
    assert_eq!(repo.selected(&[]), every_job());
}

#[test]
fn a_corrupt_index_is_told_in_git_s_words() {
    let repo = changed();
    repo.write(".git/index", "DIRCxxxx");
    refused(&repo, &[], &["index"]);
}

#[test]
fn files_in_conflict_are_changed_files() {
    let repo = changed();
    repo.commit();
    repo.git(&["switch", "--quiet", "-c", "theirs", "main"]);
    repo.write("drivers/nfs/src/lib.rs", "//! Theirs.\n");
    repo.commit();
    let shell = &repo.shell;
    assert!(cmd!(shell, "git merge --quiet work").quiet().ignore_stdout().ignore_stderr().run().is_err());
    assert_eq!(repo.selected(&[]), only("driver-nfs"));
}

#[test]
fn the_same_change_prints_the_same_bytes_in_each_format() {
    let repo = changed();
    repo.write("common/src/lib.rs", "//! Another.\n");
    for format in FORMATS {
        let first = printed(&repo, format);
        assert!(!first.is_empty(), "{format:?}");
        assert_eq!(first, printed(&repo, format), "{format:?}");
        assert_eq!(first, printed(&repo, &[format, &["--no-cache"][..]].concat()), "{format:?}");
    }
}

/// What a shell, a terminal, XML, JSON or YAML could take for more than a name.
fn hostile_names() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = [
        &b"new\nline"[..],
        b"tab\tulator",
        b"quote\"s'",
        b"\xff\xfe",
        b"-rf",
        b"$(touch x)`touch x`",
        b"</title><script>",
        b"${{ github.token }}",
        b"\x1b[31mred",
        b"back\\slash",
        b"{{ zuul }} %s {} [a]*?",
        b"# : - &anchor",
        "turned \u{202e}sr.".as_bytes(),
    ]
    .map(<[u8]>::to_vec)
    .to_vec();
    names.push([b"x".repeat(250), b"/".to_vec(), b"y".repeat(250)].concat());
    names
}

#[test]
fn hostile_names_of_files_stay_names_in_each_format() {
    let repo = Repo::new();
    for name in hostile_names() {
        // One at a time, so that it is the one that is printed.
        let path = [b"drivers/nfs/", &name[..]].concat();
        repo.write_bytes(&path, "x");
        assert_eq!(repo.selected(&[]), only("driver-nfs"));
        for format in FORMATS {
            let text = String::from_utf8(printed(&repo, format)).unwrap();
            let unseen = |letter: &char| (letter.is_control() && *letter != '\n') || *letter == '\u{202e}';
            let controls = text.chars().filter(unseen).count();
            assert_eq!(controls, 0, "{format:?}: {text:?}");
            match format[0] {
                "--format=text" => assert_eq!(text.lines().count(), 2 + EVERY_JOB.len() + 2, "{text}"),
                "--graph" => assert!(elements(&text).is_subset(&DRAWN.map(str::to_owned).into()), "{text}"),
                "--format=filterset" => assert_eq!(text, "(package(=driver-nfs))\n"),
                format if format.starts_with("--format=") => {
                    drop(serde_json::from_str::<serde_json::Value>(&text).unwrap())
                }
                _ => {}
            }
        }
        fs::remove_file(repo.path(OsStr::from_bytes(&path))).unwrap();
    }
    assert!(!repo.path("x").exists());
}

const DRAWN: [&str; 7] = ["svg", "title", "style", "rect", "text", "g", "path"];

fn elements(svg: &str) -> BTreeSet<String> {
    let mut reader = Reader::from_str(svg);
    let mut found = BTreeSet::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) | Event::Empty(tag) => {
                found.insert(String::from_utf8(tag.name().as_ref().to_vec()).unwrap());
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}

const MANY: usize = 100_000;
/// For one format, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Of address space, for this program and each that it starts, in KiB.
const MEMORY: usize = 3 << 20;

#[test]
fn a_hundred_thousand_changed_files_are_all_looked_at_in_bounded_time_and_memory() {
    let repo = Repo::new();
    // Staged alone: a folder of so many files would be most of the test.
    let blob = repo.git_with("hash-object -w --stdin", "one");
    let mut entries = String::new();
    for index in 0..MANY {
        let _ = writeln!(entries, "100644 {} 0\tcommon/src/made/{}/{index}.rs", blob.trim(), index % 100);
    }
    entries += &format!("100644 {} 0\ttool/src/last.rs\n", blob.trim());
    repo.git_with("update-index --index-info", &entries);
    let (shell, program) = (&repo.shell, env!("CARGO_BIN_EXE_xtask"));
    for format in [&["--format=json"][..], &["--graph"], &["--explain=common"], &["--explain=tool/src/last.rs"]] {
        let started = Instant::now();
        let limited = format!("ulimit -v {MEMORY}; exec {program} affected-tests {}", format.join(" "));
        let output = cmd!(shell, "sh -c {limited}").quiet().ignore_status().output().unwrap();
        assert!(output.status.success(), "{format:?}: {}", said(&output));
        assert!(started.elapsed() < PATIENCE, "{format:?} took {:?}", started.elapsed());
        if format[0] == "--format=json" {
            let plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(plan["changed_paths"], MANY + 1);
            assert!(plan["jobs"].as_array().unwrap().iter().all(|job| job["state"] == "run"), "{plan}");
        }
        // No long list, and none cut off in silence.
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.len() < 100_000, "{format:?}: {} bytes", text.len());
        if format[0] == "--explain=common" {
            assert!(text.contains("and 99950 more"), "{text}");
        }
    }
}
