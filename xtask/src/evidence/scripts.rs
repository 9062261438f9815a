//! What cargo runs a build script again for. A script may name paths that it does not read under our eyes, and one that
//! names none is run again for every file of its package: for cargo these are its inputs, and so they are for us.
//! <https://doc.rust-lang.org/cargo/reference/build-scripts.html#change-detection>

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use cargo_metadata::Message;

use super::built::messages;
use crate::trace::{By, How, Touch, lexically};

/// What lies in these is made, or is git's.
const NOT_LOOKED_AT: [&str; 2] = [".git", "target"];
/// A folder with more than this is taken as one that changes always.
const MOST: usize = 200_000;

/// The folders of the packages of this machine whose build scripts ran, by cargo's messages, each with what it printed.
pub(super) fn ran(log: &str) -> Vec<(PathBuf, String)> {
    let local = messages(log).filter_map(|message| {
        let Message::BuildScriptExecuted(script) = message.ok()? else { return None };
        let place = script.package_id.repr.strip_prefix("path+file://")?.split(['#', '?']).next()?.to_owned();
        // What it printed lies beside what it made. Where that cannot be read, it may have named nothing.
        let printed = std::fs::read(script.out_dir.parent()?.join("output")).unwrap_or_default();
        Some((PathBuf::from(place), String::from_utf8_lossy(&printed).into_owned()))
    });
    local.collect()
}

/// The inputs of a build script in this folder that printed this.
pub(super) fn inputs(folder: &Path, printed: &str) -> BTreeSet<Touch> {
    let mut touches = BTreeSet::new();
    let lines = printed.lines().filter_map(|line| line.strip_prefix("cargo:")).map(|line| line.trim_start_matches(':'));
    let mut says_when = false;
    for line in lines {
        says_when |= line.starts_with("rerun-if-");
        if let Some(path) = line.strip_prefix("rerun-if-changed=") {
            all_of(&lexically(&folder.join(path.trim())), &mut touches);
        }
    }
    if !says_when {
        all_of(folder, &mut touches);
    }
    touches
}

fn all_of(path: &Path, touches: &mut BTreeSet<Touch>) {
    let touch = |path: &Path, how| Touch { path: path.to_owned(), how, by: By::Build };
    let mut waiting = vec![path.to_owned()];
    while let Some(path) = waiting.pop() {
        let Ok(metadata) = std::fs::symlink_metadata(&path) else {
            touches.insert(touch(&path, How::Absent));
            continue;
        };
        if !metadata.is_dir() {
            touches.insert(touch(&path, How::Read));
            continue;
        }
        touches.insert(touch(&path, How::Listed));
        let inside = std::fs::read_dir(&path).into_iter().flatten().flatten();
        let inside = inside.filter(|entry| !NOT_LOOKED_AT.iter().any(|name| entry.file_name() == *name));
        waiting.extend(inside.map(|entry| entry.path()).take(MOST.saturating_sub(touches.len())));
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::Path};

    use super::{How, inputs, ran};

    fn told(folder: &Path, printed: &str) -> BTreeSet<(String, How)> {
        let inside = |path: &Path| {
            path.strip_prefix(folder).map_or_else(|_| path.display().to_string(), |p| p.display().to_string())
        };
        inputs(folder, printed).into_iter().map(|touch| (inside(&touch.path), touch.how)).collect()
    }

    #[test]
    fn a_script_that_names_paths_has_these_and_one_that_names_none_has_its_package() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for file in ["a.txt", "data/b", "target/x", "src/lib.rs"] {
            std::fs::create_dir_all(folder.join(file).parent().unwrap()).unwrap();
            std::fs::write(folder.join(file), "").unwrap();
        }
        let set = |touches: &[(&str, How)]| {
            touches.iter().map(|(path, how)| ((*path).to_owned(), *how)).collect::<BTreeSet<_>>()
        };
        let printed = "cargo:rerun-if-changed=data\ncargo::rerun-if-changed=./gone/../none\nother\n";
        assert_eq!(told(folder, printed), set(&[("data", How::Listed), ("data/b", How::Read), ("none", How::Absent)]));
        assert_eq!(told(folder, "cargo::rerun-if-env-changed=X\n"), set(&[]));
        let all = told(folder, "cargo::rustc-cfg=x\n");
        assert!(all.contains(&("a.txt".to_owned(), How::Read)) && all.contains(&("src/lib.rs".to_owned(), How::Read)));
        assert!(!all.iter().any(|(path, _)| path.contains("target")));
    }

    #[test]
    fn packages_of_this_machine_are_told_with_what_they_printed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("out")).unwrap();
        std::fs::write(folder.path().join("output"), "cargo::rerun-if-changed=x\n").unwrap();
        let message = |id: &str| {
            format!(
                "{{\"reason\":\"build-script-executed\",\"package_id\":\"{id}\",\"linked_libs\":[],\"linked_paths\":[],\
                 \"cfgs\":[],\"env\":[],\"out_dir\":\"{}/out\"}}\n",
                folder.path().display()
            )
        };
        let log = message("path+file:///w/a#1.0.0") + &message("registry+https://index#b@1.0.0");
        assert_eq!(ran(&log), [("/w/a".into(), "cargo::rerun-if-changed=x\n".to_owned())]);
    }
}
