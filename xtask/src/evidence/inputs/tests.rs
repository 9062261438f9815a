//! What counts as an input, on a folder of files without any run.

use std::{
    collections::BTreeSet,
    fs::{create_dir_all, write},
    os::unix::fs::symlink,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use tempfile::TempDir;

use super::{Inputs, Scene};
use crate::{
    affected::{path::RepoPath, tree::Tree},
    evidence::record::Reads,
    trace::{By, How, Touch},
};

struct Folder(TempDir);

impl Folder {
    fn new(files: &[&str]) -> Self {
        let folder = Self(TempDir::new().unwrap());
        for file in files {
            let path = folder.path(file);
            create_dir_all(path.parent().unwrap()).unwrap();
            write(path, file).unwrap();
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    /// The inputs of a run that began `ago` and touched these; `tracked` is what git has.
    fn inputs(&self, tracked: &[&str], ago: Duration, touches: &[(&str, How, By)]) -> Inputs {
        let listing: String = tracked.iter().map(|path| format!("100644 blob {}\t{path}\0", path.len())).collect();
        let (tree, top, target) =
            (Tree::parse(listing.as_bytes()).unwrap(), self.path(""), self.path("target/evidence"));
        let scene = Scene {
            root: &top,
            top: &top,
            target: &target,
            outputs: vec![self.path("target")],
            tree: &tree,
            began: SystemTime::now() - ago,
            members: vec![(RepoPath::new("built"), true), (RepoPath::new("other"), false)],
        };
        let touch = |(path, how, by): &(&str, How, By)| Touch { path: self.path(path), how: *how, by: *by };
        Inputs::of(&touches.iter().map(touch).collect::<BTreeSet<_>>(), &scene)
    }
}

const NOW: Duration = Duration::ZERO;
const EARLIER: Duration = Duration::from_secs(3600);

fn names(reads: &Reads) -> Vec<String> {
    reads.iter().map(|(path, seen)| format!("{path}: {seen}")).collect()
}

#[test]
fn reads_of_builds_and_of_tests_are_kept_apart() {
    let folder = Folder::new(&["built/a", "built/b"]);
    let touches = [("built/a", How::Read, By::Build), ("built/b", How::Read, By::Run), ("built", How::Listed, By::Run)];
    let inputs = folder.inputs(&["built/a", "built/b"], NOW, &touches);
    assert_eq!(names(&inputs.built_from), ["built/a: 100644 7"]);
    let run_on = names(&inputs.run_on);
    assert!(
        run_on.len() == 2 && run_on[0].starts_with("built: listed ") && run_on[1] == "built/b: 100644 7",
        "{run_on:?}"
    );
    assert!(inputs.governed_by.is_empty());
}

#[test]
fn a_link_and_what_it_leads_to_both_count() {
    let folder = Folder::new(&["data/x"]);
    symlink("data", folder.path("link")).unwrap();
    let inputs =
        folder.inputs(&["data/x", "link"], NOW, &[("link/x", How::Read, By::Run), ("link/y", How::Absent, By::Run)]);
    assert_eq!(names(&inputs.run_on), ["data/x: 100644 6", "data/y: absent", "link: 100644 4"]);
}

#[test]
fn what_the_run_made_itself_is_no_input() {
    let folder = Folder::new(&["made", "ignored"]);
    let made = [("made", How::Written, By::Run), ("made", How::Read, By::Run)];
    assert_eq!(names(&folder.inputs(&[], EARLIER, &made).run_on), [""; 0]);
    let gone = [("gone", How::Written, By::Run), ("gone", How::Read, By::Run)];
    assert_eq!(names(&folder.inputs(&[], EARLIER, &gone).run_on), [""; 0]);
    let sought_before = [("gone", How::Absent, By::Run), ("gone", How::Written, By::Run), ("gone", How::Read, By::Run)];
    assert_eq!(names(&folder.inputs(&[], EARLIER, &sought_before).run_on), ["gone: absent"]);
}

#[test]
fn an_ignored_file_counts_by_its_contents_unless_they_are_not_known() {
    let folder = Folder::new(&["ignored"]);
    std::thread::sleep(Duration::from_millis(20)); // file systems tell time in ticks
    let read = [("ignored", How::Read, By::Run)];
    let seen = names(&folder.inputs(&[], NOW, &read).run_on);
    assert!(
        seen[0].starts_with("ignored: untracked ") && seen[0].len() == "ignored: untracked ".len() + 64,
        "{seen:?}"
    );
    assert_eq!(names(&folder.inputs(&[], EARLIER, &read).run_on), ["ignored: untracked changed-meanwhile"]);
    let both = [("ignored", How::Read, By::Run), ("ignored", How::Written, By::Run)];
    assert_eq!(names(&folder.inputs(&[], NOW, &both).run_on), ["ignored: untracked changed-meanwhile"]);
}

#[test]
fn the_history_is_one_read_that_nothing_is_like() {
    let folder = Folder::new(&[]);
    let touches = [
        (".git/HEAD", How::Read, By::Build),
        (".git/refs/x", How::Absent, By::Build),
        (".git/x", How::Read, By::Cargo),
    ];
    let inputs = folder.inputs(&[], NOW, &touches);
    assert_eq!(names(&inputs.built_from), [".git: untracked changed-meanwhile"]);
    assert!(inputs.governed_by.is_empty());
    let nothing = |_: &RepoPath| None;
    let (path, seen) = inputs.built_from.iter().next().unwrap();
    assert_ne!(super::Seen::at(path, false, &Tree::default(), &nothing), *seen);
}

#[test]
fn of_cargo_only_what_decides_what_is_built_counts() {
    let folder = Folder::new(&[]);
    let tracked = [
        "Cargo.toml",
        "built/Cargo.toml",
        "built/src/lib.rs",
        "built/src/main.rs",
        "other/src/main.rs",
        "built/tests/it.rs",
        "other/Cargo.toml",
        "other/tests/it.rs",
    ];
    let cargo = |path, how| (path, how, By::Cargo);
    let touches = [
        cargo("Cargo.toml", How::Read),
        cargo(".cargo/config.toml", How::Absent),
        cargo("built/Cargo.toml", How::Read),
        cargo("built/src/lib.rs", How::Found),
        ("built/src/lib.rs", How::Read, By::Build),
        cargo("built/src/main.rs", How::Found),
        cargo("built/build.rs", How::Absent),
        cargo("built/tests", How::Listed),
        cargo("other/Cargo.toml", How::Read),
        cargo("other/tests", How::Listed),
        cargo("other/src/main.rs", How::Found),
        cargo("other/build.rs", How::Absent),
    ];
    let inputs = folder.inputs(&tracked, NOW, &touches);
    let seen: Vec<String> = inputs.governed_by.keys().map(ToString::to_string).collect();
    let expected = [
        ".cargo/config.toml",
        "Cargo.toml",
        "built/Cargo.toml",
        "built/build.rs",
        "built/src/main.rs",
        "built/tests",
        "other/Cargo.toml",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn programs_that_tests_ran_are_products_and_what_they_wrote_is_not() {
    let folder = Folder::new(&["target/evidence/debug/it", "target/evidence/tmp/x", "target/debug/old"]);
    let touches = [
        ("target/evidence/debug/it", How::Read, By::Run),
        ("target/evidence/debug", How::Read, By::Run),
        ("target/evidence/tmp/x", How::Written, By::Run),
        ("target/evidence/tmp/x", How::Read, By::Run),
        ("target/debug/old", How::Read, By::Run),
        ("target/evidence/debug/lib", How::Read, By::Build),
    ];
    let inputs = folder.inputs(&[], NOW, &touches);
    assert_eq!(inputs.produced.into_iter().collect::<Vec<_>>(), [PathBuf::from("debug/it")]);
    assert!(inputs.run_on.is_empty() && inputs.built_from.is_empty());
}

#[test]
fn what_is_outside_the_tree_has_no_record() {
    let folder = Folder::new(&[]);
    let inputs = folder.inputs(&[], NOW, &[("../elsewhere", How::Read, By::Run), ("/etc/hosts", How::Read, By::Run)]);
    assert_eq!(inputs, Inputs::default());
}
