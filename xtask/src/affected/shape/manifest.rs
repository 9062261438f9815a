//! What a manifest says that `cargo metadata` leaves out, and what of it concerns the whole workspace.

use std::collections::BTreeMap;

use toml::{Table, Value};

/// What was said, by what it is about.
pub type Facts = BTreeMap<String, String>;

/// Said in full by `cargo metadata`, or read by nobody who builds or tests.
const PACKAGE_ELSEWHERE: [&str; 28] = [
    "authors",
    "autobenches",
    "autobins",
    "autoexamples",
    "autolib",
    "autotests",
    "build",
    "categories",
    "default-run",
    "description",
    "documentation",
    "edition",
    "exclude",
    "homepage",
    "include",
    "keywords",
    "license",
    "license-file",
    "links",
    "metadata",
    "name",
    "publish",
    "readme",
    "repository",
    "resolver",
    "rust-version",
    "version",
    "workspace",
];
const DEPENDENCIES: [&str; 5] =
    ["dependencies", "dev-dependencies", "dev_dependencies", "build-dependencies", "build_dependencies"];
/// Each of these shows in what its members say.
const WORKSPACE_ELSEWHERE: [&str; 6] = ["members", "exclude", "package", "dependencies", "lints", "metadata"];

/// What a member's own manifest adds; the second are facts of its tests, examples and benches alone.
#[must_use]
pub fn of_member(manifest: &Table, root: &Table) -> (Facts, Facts) {
    let (mut built, mut tests) = (Facts::new(), Facts::new());
    for (key, value) in manifest {
        match key.as_str() {
            "features" | "badges" | "workspace" | "profile" | "patch" | "replace" => {}
            _ if DEPENDENCIES.contains(&key.as_str()) => {}
            "package" | "project" => {
                let more = value.as_table().into_iter().flatten();
                for (key, value) in more.filter(|(key, _)| !PACKAGE_ELSEWHERE.contains(&key.as_str())) {
                    built.insert(format!("package.{key}"), value.to_string());
                }
            }
            "target" => {
                let other = value.as_table().into_iter().flatten().filter(|(_, table)| !dependencies_only(table));
                built.extend(other.map(|(platform, table)| (format!("target.{platform}"), table.to_string())));
            }
            "lints" => {
                let inherited = value.get("workspace").and_then(Value::as_bool) == Some(true);
                let shared = root.get("workspace").and_then(|workspace| workspace.get("lints"));
                let lints = if inherited { shared.map(Value::to_string) } else { Some(value.to_string()) };
                built.extend(lints.map(|lints| (key.clone(), lints)));
            }
            "test" | "example" | "bench" => drop(tests.insert(format!("[[{key}]]"), value.to_string())),
            _ => drop(built.insert(key.clone(), value.to_string())),
        }
    }
    (built, tests)
}

fn dependencies_only(table: &Value) -> bool {
    table.as_table().is_some_and(|table| table.keys().all(|key| DEPENDENCIES.contains(&key.as_str())))
}

/// What the root manifest says to every package.
#[must_use]
pub fn of_all(root: &Table) -> Facts {
    let mut facts = Facts::new();
    for key in ["profile", "patch", "replace", "cargo-features"] {
        facts.extend(root.get(key).map(|value| (key.to_owned(), value.to_string())));
    }
    for (key, value) in root.get("workspace").and_then(Value::as_table).into_iter().flatten() {
        if !WORKSPACE_ELSEWHERE.contains(&key.as_str()) {
            facts.insert(format!("workspace.{key}"), value.to_string());
        }
    }
    // The edition of a root package is also the default of the resolver for all.
    for key in ["resolver", "edition"] {
        let said = root.get("package").and_then(|package| package.get(key));
        facts.extend(said.map(|value| (format!("package.{key} of the root"), value.to_string())));
    }
    facts
}
