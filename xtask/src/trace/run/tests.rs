//! Real programs under a real strace.

use std::{
    collections::BTreeSet,
    fs::{create_dir_all, read_to_string, write},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use xshell::{Cmd, Shell, cmd};

use crate::trace::{By, How, Traced, trace};

const MINUTE: Duration = Duration::from_secs(60);

struct Place {
    folder: TempDir,
    shell: Shell,
}

impl Place {
    fn new() -> Self {
        let (folder, shell) = (TempDir::new().unwrap(), Shell::new().unwrap());
        shell.change_dir(folder.path());
        Self { folder, shell }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().canonicalize().unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        create_dir_all(path.parent().unwrap()).unwrap();
        write(path, text).unwrap();
    }

    fn trace(&self, command: Cmd<'_>, limit: Duration) -> Traced {
        trace(command.into(), &self.path().join("log"), limit).unwrap()
    }

    fn script(&self, script: &str) -> Traced {
        let shell = &self.shell;
        self.trace(cmd!(shell, "sh -c {script}"), MINUTE)
    }

    /// What was touched below the folder, in one way.
    fn names(&self, traced: &Traced, how: How, by: By) -> BTreeSet<String> {
        let touches = traced.touches.iter().filter(|touch| touch.how == how && touch.by == by);
        let below = touches.filter_map(|touch| touch.path.strip_prefix(self.path()).ok());
        below.map(|path| path.display().to_string()).filter(|path| !path.is_empty() && path != "log").collect()
    }
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().copied().map(str::to_owned).collect()
}

#[test]
fn a_script_is_seen_reading_listing_missing_and_writing() {
    let place = Place::new();
    place.write("a", "a");
    place.write("d/e/x", "x");
    place.write("d/y", "y");
    symlink("a", place.path().join("link")).unwrap();
    let traced = place.script(
        "cat a; cat link; ls d; test -e missing; (cd d/e && cat ./x && cat ../y); cat none/x; echo z > new; mv new old; rm old",
    );
    assert!(traced.status.success() && !traced.cut_short);
    let read = place.names(&traced, How::Read, By::Run);
    assert!(read.is_superset(&set(&["a", "link", "d/e/x", "d/y"])), "{read:?}");
    assert_eq!(place.names(&traced, How::Listed, By::Run), set(&["d"]));
    let absent = place.names(&traced, How::Absent, By::Run);
    assert!(absent.is_superset(&set(&["missing", "none/x"])), "{absent:?}");
    let written = place.names(&traced, How::Written, By::Run);
    assert!(written.is_superset(&set(&["new", "old"])), "{written:?}");
    let other: Vec<_> = traced.touches.iter().filter(|touch| touch.by == By::Build).collect();
    assert!(other.is_empty(), "{other:?}");
}

#[test]
fn a_parent_of_a_link_is_that_of_what_it_leads_to() {
    let place = Place::new();
    place.write("far/away/x", "x");
    symlink("far/away", place.path().join("link")).unwrap();
    let traced = place.script("test -e link/../sought");
    let absent = place.names(&traced, How::Absent, By::Run);
    assert!(absent.is_superset(&set(&["far/sought"])), "{absent:?}");
}

#[test]
fn status_and_output_are_kept() {
    let place = Place::new();
    let traced = place.script("echo out; echo err >&2; exit 3");
    assert_eq!(traced.status.code(), Some(3));
    assert_eq!(read_to_string(place.path().join("log")).unwrap(), "out\nerr\n");
}

#[test]
fn folder_and_variables_of_the_command_are_kept() {
    let place = Place::new();
    place.write("d/seen", "x");
    let shell = place.shell.clone();
    shell.change_dir(place.path().join("d"));
    let traced = place.trace(cmd!(shell, "sh -c").arg("cat $NAME").env("NAME", "seen"), MINUTE);
    assert!(traced.status.success());
    assert!(place.names(&traced, How::Read, By::Run).contains("d/seen"));
}

#[test]
fn what_runs_too_long_is_ended_with_all_that_it_started() {
    let place = Place::new();
    let begun = Instant::now();
    let shell = &place.shell;
    let script = "sleep 301 & echo $! > child; setsid sleep 302 & echo $! > apart; cat child; sleep 303";
    let traced = place.trace(cmd!(shell, "sh -c {script}"), Duration::from_secs(1));
    assert!(traced.cut_short && !traced.status.success());
    assert!(begun.elapsed() < MINUTE / 2);
    for name in ["child", "apart"] {
        let pid = read_to_string(place.path().join(name)).unwrap();
        let status = || read_to_string(Path::new("/proc").join(pid.trim()).join("status")).unwrap_or_default();
        // Whoever adopted it may not have collected it yet.
        assert!(status().is_empty() || status().contains("State:\tZ"), "{name} is still there: {}", status());
    }
    assert!(place.names(&traced, How::Read, By::Run).contains("child"));
}

#[test]
fn a_program_that_is_not_there_is_said_so() {
    let place = Place::new();
    let shell = &place.shell;
    let traced = place.trace(cmd!(shell, "no-such-program"), MINUTE);
    assert!(!traced.status.success());
    assert!(read_to_string(place.path().join("log")).unwrap().contains("no-such-program"));
}

const BUILD_SCRIPT: &str = r#"
fn main() {
    println!("cargo::rustc-env=SAID={}", std::fs::read_to_string("said.txt").unwrap().trim());
}"#;

const TEST: &str = r#"
#[test]
fn reads() {
    assert_eq!(std::fs::read_to_string("tests/fixture.txt").unwrap(), "fixture");
    assert_eq!(std::fs::read_dir("tests/cases").unwrap().count(), 1);
    assert!(std::fs::metadata("tests/optional").is_err());
    assert!(std::process::Command::new(env!("CARGO")).args(["metadata", "--no-deps", "--format-version=1"]).output().unwrap().status.success());
}"#;

#[test]
fn builds_and_tests_are_told_from_cargo() {
    let place = Place::new();
    place.write("Cargo.toml", "[package]\nname = \"tiny\"\nedition = \"2024\"\n");
    place.write("build.rs", BUILD_SCRIPT);
    place.write("said.txt", "hello");
    place.write("text.txt", "included");
    place.write("unread.txt", "nobody");
    place.write(
        "src/lib.rs",
        "pub const TEXT: &str = include_str!(\"../text.txt\");\npub const SAID: &str = env!(\"SAID\");\n",
    );
    place.write("tests/it.rs", TEST);
    place.write("tests/fixture.txt", "fixture");
    place.write("tests/cases/one", "");
    let shell = &place.shell;
    let command =
        cmd!(shell, "cargo test --offline --test it --lib").env("CARGO_TARGET_DIR", place.path().join("built"));
    let traced = place.trace(command, MINUTE * 4);
    assert!(traced.status.success(), "{}", read_to_string(place.path().join("log")).unwrap());
    let outside = |names: BTreeSet<String>| -> BTreeSet<String> {
        names.into_iter().filter(|name| !name.starts_with("built")).collect()
    };
    let built = outside(place.names(&traced, How::Read, By::Build));
    assert!(built.is_superset(&set(&["build.rs", "said.txt", "text.txt", "src/lib.rs", "tests/it.rs"])), "{built:?}");
    assert!(!built.contains("tests/fixture.txt") && !built.contains("Cargo.toml"), "{built:?}");
    let run = outside(place.names(&traced, How::Read, By::Run));
    // The manifest: read by the cargo that the test starts.
    assert!(run.is_superset(&set(&["tests/fixture.txt", "Cargo.toml"])), "{run:?}");
    assert!(!run.contains("src/lib.rs") && !run.contains("unread.txt"), "{run:?}");
    assert!(place.names(&traced, How::Listed, By::Run).contains("tests/cases"));
    assert!(place.names(&traced, How::Absent, By::Run).contains("tests/optional"));
    let executed = place.names(&traced, How::Read, By::Run);
    assert!(executed.iter().any(|name| name.starts_with("built/debug/deps/it-")), "{executed:?}");
}
