//! One member as `cargo metadata` describes it: inheritance, globs and found targets are already worked out in it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::manifest::Facts;

/// A member of the workspace, without what its lock entry says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What changes its library, executables or build script, and so all that depends on it.
    pub built: Facts,
    /// What changes its tests, examples and benches alone.
    pub tests: Facts,
    /// The names it depends on, and whether only its tests do.
    pub depends: BTreeMap<String, bool>,
}

/// Read by registries, by people and by other tools, never by rustc: they are in no `CARGO_PKG_*` either. `id` says again what name,
/// version and place say.
const UNSEEN: [&str; 7] = ["id", "source", "metadata", "publish", "categories", "keywords", "documentation"];

/// Reads one entry of `packages`; paths in it become relative to `root`.
///
/// # Errors
/// It is not of the form that cargo has printed for years.
pub fn parse(package: &Map<String, Value>, root: &str) -> Result<Member> {
    let text = |name: &str| package.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut member = Member {
        name: text("name").context("cargo metadata told a package without a name")?,
        version: text("version").context("cargo metadata told a package without a version")?,
        ..Member::default()
    };
    for (key, value) in package {
        match key.as_str() {
            "dependencies" => dependencies(list(value, key)?, root, &mut member)?,
            "targets" => targets(list(value, key)?, root, &mut member)?,
            // Some build scripts take their settings from here.
            "metadata" if has_build_script(package) => drop(member.built.insert(key.clone(), told(value, root))),
            key if UNSEEN.contains(&key) => {}
            _ => drop(member.built.insert(key.clone(), told(value, root))),
        }
    }
    Ok(member)
}

fn has_build_script(package: &Map<String, Value>) -> bool {
    let targets = package.get("targets").and_then(Value::as_array).into_iter().flatten();
    let mut kinds = targets.filter_map(|target| target.get("kind")?.as_array()).flatten();
    kinds.any(|kind| kind.as_str() == Some("custom-build"))
}

fn dependencies(list: &[Value], root: &str, member: &mut Member) -> Result<()> {
    let name = |dependency: &Value| dependency.get("name").and_then(Value::as_str).map(str::to_owned);
    let mut seen = BTreeSet::new();
    let names = list.iter().map(name).collect::<Option<Vec<_>>>().context("a dependency without a name")?;
    let several: BTreeSet<&String> = names.iter().filter(|name| !seen.insert(*name)).collect();
    let (mut built, mut tests) = (Vec::new(), Vec::new());
    for (dependency, name) in list.iter().zip(&names) {
        let mut dependency = dependency.as_object().context("a dependency is no object")?.clone();
        // What the requirement came to is in the lock file, unless two versions could change places.
        if !several.contains(name) {
            dependency.remove("req");
        }
        let dev = dependency.get("kind").and_then(Value::as_str) == Some("dev");
        let only_dev = member.depends.entry(name.clone()).or_insert(true);
        *only_dev &= dev;
        let facts = if dev { &mut tests } else { &mut built };
        facts.push(told(&Value::Object(dependency), root));
    }
    built.sort_unstable();
    tests.sort_unstable();
    member.built.insert("dependencies".to_owned(), built.join("\n"));
    member.tests.insert("dev-dependencies".to_owned(), tests.join("\n"));
    Ok(())
}

fn targets(list: &[Value], root: &str, member: &mut Member) -> Result<()> {
    let (mut built, mut tests) = (Vec::new(), Vec::new());
    for target in list {
        let kinds = target.get("kind").and_then(Value::as_array).context("a target without a kind")?;
        let only_tests = kinds.iter().all(|kind| matches!(kind.as_str(), Some("test" | "example" | "bench")));
        if only_tests { &mut tests } else { &mut built }.push(told(target, root));
    }
    built.sort_unstable();
    tests.sort_unstable();
    member.built.insert("targets".to_owned(), built.join("\n"));
    member.tests.insert("targets of tests".to_owned(), tests.join("\n"));
    Ok(())
}

fn list<'v>(value: &'v Value, name: &str) -> Result<&'v [Value]> {
    value.as_array().map(Vec::as_slice).with_context(|| format!("`{name}` is no list"))
}

/// One text for one value: keys are sorted, and the place of the workspace is not in it.
fn told(value: &Value, root: &str) -> String {
    value.to_string().replace(&format!("\"{root}/"), "\"./").replace(&format!("\"{root}\""), "\".\"")
}
