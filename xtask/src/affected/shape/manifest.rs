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
    for (name, profile) in root.get("profile").and_then(Value::as_table).into_iter().flatten() {
        profiles(name, profile, &mut facts);
    }
    for key in ["patch", "replace", "cargo-features"] {
        facts.extend(root.get(key).map(|value| (key.to_owned(), value.to_string())));
    }
    for (key, value) in root.get("workspace").and_then(Value::as_table).into_iter().flatten() {
        if !WORKSPACE_ELSEWHERE.contains(&key.as_str()) {
            facts.insert(format!("workspace.{key}"), said_of(key, value));
        }
    }
    // The edition of a root package is also the default of the resolver for all.
    for key in ["resolver", "edition"] {
        let said = root.get("package").and_then(|package| package.get(key));
        facts.extend(said.map(|value| (format!("package.{key} of the root"), said_of(key, value))));
    }
    facts
}

/// One profile. Tests are built by `dev` and `test`; what these say of single packages reaches those alone.
fn profiles(name: &str, profile: &Value, facts: &mut Facts) {
    let Some(table) = profile.as_table().filter(|_| FOR_TESTS.contains(&name)) else {
        facts.insert(format!("{PROFILE}{name}"), profile.to_string());
        return;
    };
    for (key, value) in table {
        match value.as_table().filter(|_| key == PACKAGE) {
            Some(packages) => {
                let told = packages
                    .iter()
                    .map(|(spec, value)| (format!("{PROFILE}{name}.{PACKAGE}.{spec}"), value.to_string()));
                facts.extend(told);
            }
            None => drop(facts.insert(format!("{PROFILE}{name}.{key}"), value.to_string())),
        }
    }
}

/// The resolver 3 is the resolver 2 but for the versions that it takes, and these are in the lock file.
/// <https://doc.rust-lang.org/cargo/reference/resolver.html#resolver-versions>
fn said_of(key: &str, value: &Value) -> String {
    match value.as_str() {
        Some("3") if key == "resolver" => Value::from("2").to_string(),
        _ => value.to_string(),
    }
}

const PROFILE: &str = "profile.";
const PACKAGE: &str = "package";
const FOR_TESTS: [&str; 2] = ["dev", "test"];

/// Whom a fact of [`of_all`] concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Concerns {
    /// Every package.
    All,
    /// The package of that name, wherever it comes from.
    Package(String),
    /// Who does not build as tests are built: commands that people wrote.
    OtherBuilds,
}

/// Whom what [`of_all`] calls `what` concerns.
#[must_use]
pub fn concerns(what: &str) -> Concerns {
    let Some((name, rest)) = what.strip_prefix(PROFILE).map(|rest| rest.split_once('.').unwrap_or((rest, ""))) else {
        return Concerns::All;
    };
    if !FOR_TESTS.contains(&name) {
        return Concerns::OtherBuilds;
    }
    // `*` is all packages but members; a specification may have a version, and more.
    match rest.strip_prefix(PACKAGE).and_then(|spec| spec.strip_prefix('.')) {
        Some(spec) if spec != "*" && !spec.contains([':', '/', '#']) => {
            Concerns::Package(spec.split('@').next().unwrap_or(spec).to_owned())
        }
        _ => Concerns::All,
    }
}

#[cfg(test)]
mod tests {
    use super::{Concerns, Facts, Table, concerns, of_all};

    fn facts(text: &str) -> Facts {
        of_all(&text.parse::<Table>().unwrap())
    }

    #[test]
    fn profiles_concern_whom_they_build() {
        let text = "[profile.dev]\nopt-level = 1\n[profile.dev.package.leaf]\nopt-level = 2\n[profile.release]\nlto = true\n\
                    [profile.test.package.\"*\"]\nopt-level = 1\n[profile.dev.package.\"twig@1.0.0\"]\ndebug = false\n";
        let told: Vec<(String, Concerns)> =
            facts(text).into_keys().map(|what| (what.clone(), concerns(&what))).collect();
        let package = |name: &str| Concerns::Package(name.to_owned());
        let expected = [
            ("profile.dev.opt-level", Concerns::All),
            ("profile.dev.package.leaf", package("leaf")),
            ("profile.dev.package.twig@1.0.0", package("twig")),
            ("profile.release", Concerns::OtherBuilds),
            ("profile.test.package.*", Concerns::All),
        ];
        assert_eq!(told, expected.map(|(what, concerns)| (what.to_owned(), concerns)));
        assert_eq!(concerns("patch"), Concerns::All);
    }

    #[test]
    fn the_third_resolver_builds_as_the_second_and_the_first_does_not() {
        let resolver = |version: &str| facts(&format!("[workspace]\nresolver = \"{version}\"\n"));
        assert_eq!(resolver("2"), resolver("3"));
        assert_ne!(resolver("1"), resolver("2"));
    }
}
