use std::collections::{BTreeMap, BTreeSet};

use super::{
    compare::{Difference, Differs, compare},
    lock,
    manifest::of_all,
    parse::{Shape, members},
    place::place,
};
use crate::affected::{
    graph::{Dependent, Package, Reach, Workspace},
    path::RepoPath,
};

const LOCK: &str = r#"
version = 4
[[package]]
name = "app"
version = "0.1.0"
dependencies = ["leaf"]
[[package]]
name = "leaf"
version = "1.0.0"
source = "registry"
checksum = "aa"
"#;

fn shape(root: &str, manifest: &str, lock: &str) -> Result<Shape, String> {
    let package = format!(
        r#"{{"name":"app","version":"0.1.0","id":"{root}","manifest_path":"{root}/app/Cargo.toml","edition":"2024",
        "targets":[{{"kind":["lib"],"name":"app","src_path":"{root}/app/src/lib.rs"}}],
        "dependencies":[{{"name":"leaf","req":"^1","kind":null,"features":[]}}]}}"#
    );
    let metadata = format!(r#"{{"packages":[{package},{{"id":"elsewhere"}}],"workspace_members":["{root}"]}}"#);
    let read = |folder: &str, name: &str| {
        Ok(match (folder, name) {
            (_, "Cargo.lock") => lock,
            ("", _) => "[workspace]",
            _ => manifest,
        }
        .to_owned())
    };
    let shape = members(&metadata, root).and_then(|members| Shape::read(&members, root, &read));
    shape.map_err(|error| format!("{error:#}"))
}

fn against(lock: &str) -> Difference {
    compare(&shape("/a", "", LOCK).unwrap(), &shape("/b/c", "", lock).unwrap())
}

#[test]
fn the_same_in_another_place_is_the_same() {
    assert_eq!(against(LOCK), Difference::default());
}

#[test]
fn other_contents_of_the_same_version_are_seen() {
    let difference = against(&LOCK.replace("\"aa\"", "\"bb\""));
    assert_eq!(difference.packages.values().collect::<Vec<_>>(), ["leaf 1.0.0, other contents"]);
    assert!(difference.members.is_empty());
}

#[test]
fn another_version_of_the_same_name_changes_nothing_for_those_who_keep_theirs() {
    let second = "[[package]]\nname = \"leaf\"\nversion = \"2.0.0\"\nsource = \"registry\"\n";
    let difference = against(&format!("{}{second}", LOCK.replace("[\"leaf\"]", "[\"leaf 1.0.0\"]")));
    assert!(difference.members.is_empty(), "{difference:?}");
    assert_eq!(difference.packages.len(), 1);
    let taken = against(&format!("{}{second}", LOCK.replace("[\"leaf\"]", "[\"leaf 2.0.0\"]")));
    let crates = BTreeSet::from(["leaf".to_owned()]);
    let expected = Differs { reach: Reach::Dependents, what: "another leaf".to_owned(), crates };
    assert_eq!(taken.members["app"], expected);
}

#[test]
fn another_source_is_another_package() {
    let difference = against(&LOCK.replace("\"registry\"", "\"git+https://localhost/leaf#aa\""));
    assert_eq!(difference.members["app"].what, "another leaf");
}

#[test]
fn keys_that_nobody_thought_of_count() {
    let base = shape("/a", "", LOCK).unwrap();
    for manifest in ["tomorrow = 1", "[package]\ntomorrow = 1", "[target.x]\ntomorrow = 1", "[lib]\nharness = false"] {
        let difference = compare(&base, &shape("/a", manifest, LOCK).unwrap());
        assert_eq!(difference.members["app"].reach, Reach::Dependents, "{manifest}");
    }
    let tests = compare(&base, &shape("/a", "[[test]]\nname = \"x\"\nharness = false", LOCK).unwrap());
    assert_eq!(tests.members["app"].reach, Reach::OwnTests);
}

#[test]
fn the_root_manifest_speaks_to_every_package_unless_members_repeat_it() {
    let said = |text: &str| of_all(&toml::from_str(text).unwrap());
    for text in [
        "[profile.dev]\nopt-level = 1",
        "[patch.crates-io]\nleaf = { path = \"leaf\" }",
        "[replace]\n\"leaf:1.0.0\" = { path = \"leaf\" }",
        "cargo-features = [\"x\"]",
        "[workspace]\nresolver = \"2\"",
        "[workspace]\ntomorrow = 1",
        "[package]\nedition = \"2021\"",
    ] {
        assert!(!said(text).is_empty(), "{text}");
    }
    for text in ["[workspace]\nmembers = []", "[workspace.dependencies]\nleaf = \"1\"", "[package]\nname = \"x\""] {
        assert!(said(text).is_empty(), "{text}");
    }
}

#[test]
fn a_lock_file_that_is_not_understood_or_does_not_fit_is_an_error() {
    for (lock, expected) in [
        (LOCK.replace("version = 4", "version = 4\ntomorrow = 1"), "`tomorrow`, which is not known"),
        (LOCK.replace("[\"leaf\"]", "[\"gone\"]"), "`gone` in Cargo.lock is not one"),
        (LOCK.replace("dependencies = [\"leaf\"]", ""), "does not fit the dependencies of app"),
        (LOCK.replace("0.1.0", "0.2.0"), "lacks app 0.1.0"),
        ("[".to_owned(), "no TOML"),
    ] {
        let error = shape("/a", "", &lock).expect_err("not to be compared");
        assert!(error.contains(expected), "`{expected}` is not in: {error}");
    }
}

#[test]
fn a_crate_that_the_graph_leaves_out_reaches_those_above_it() {
    let lock = lock::parse(LOCK).unwrap();
    let workspace = Workspace::new(vec![Package {
        name: "app".to_owned(),
        directory: Some(b"app".to_vec()),
        member: true,
        dependents: vec![Dependent { package: 0, dev_only: true }],
        ..Package::default()
    }]);
    let leaf = lock.keys().find(|key| key.name == "leaf").unwrap().clone();
    let difference = Difference { packages: BTreeMap::from([(leaf, "leaf".to_owned())]), ..Difference::default() };
    let paths = BTreeSet::from([RepoPath::new("Cargo.lock")]);
    let compared = place(&difference, &paths, &workspace, &lock, &|_| None);
    let effects = &compared.effects[&RepoPath::new("Cargo.lock")];
    assert_eq!(effects.iter().map(|effect| effect.origin).collect::<Vec<_>>(), [Some((0, Reach::Dependents))]);
}
