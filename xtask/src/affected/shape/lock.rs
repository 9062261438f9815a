//! `Cargo.lock`: which package each dependency really is.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

/// One locked package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it comes from; `None` for a package of this tree.
    pub source: Option<String>,
}

/// All locked packages: what else is said of each, and what it depends on.
pub type Lock = BTreeMap<Key, Locked>;

/// What the lock file says of one package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locked {
    /// Its checksum, and any key that is not known here.
    pub facts: BTreeMap<String, String>,
    /// The packages it depends on, for whatever platform, feature and purpose.
    pub dependencies: BTreeSet<Key>,
}

/// Reads a lock file.
///
/// # Errors
/// It is none, is of a form not known here, or a dependency in it cannot be told.
pub fn parse(text: &str) -> Result<Lock> {
    let file: Table = toml::from_str(text).context("Cargo.lock is no TOML")?;
    if let Some(unknown) = file.keys().find(|key| !matches!(key.as_str(), "version" | "package" | "patch")) {
        bail!("Cargo.lock holds `{unknown}`, which is not known here");
    }
    let packages = match file.get("package") {
        Some(packages) => packages.as_array().context("`package` in Cargo.lock is no list")?.as_slice(),
        None => &[],
    };
    let keys = packages.iter().map(key).collect::<Result<Vec<Key>>>()?;
    let mut named: BTreeMap<&str, Vec<&Key>> = BTreeMap::new();
    for key in &keys {
        named.entry(&key.name).or_default().push(key);
    }
    let mut lock = Lock::new();
    for (package, key) in packages.iter().zip(&keys) {
        let table = package.as_table().context("a package in Cargo.lock is no table")?;
        let mut locked = Locked::default();
        for (name, value) in table {
            match name.as_str() {
                "name" | "version" | "source" => {}
                "dependencies" => {
                    for told in value.as_array().context("`dependencies` in Cargo.lock is no list")? {
                        locked.dependencies.insert(dependency(told, &named)?);
                    }
                }
                _ => drop(locked.facts.insert(name.clone(), value.to_string())),
            }
        }
        ensure!(lock.insert(key.clone(), locked).is_none(), "Cargo.lock names {} twice", key.name);
    }
    Ok(lock)
}

fn key(package: &Value) -> Result<Key> {
    let text = |name: &str| Some(package.get(name)?.as_str()?.to_owned());
    let name = text("name").context("a package in Cargo.lock has no name")?;
    let version = text("version").with_context(|| format!("{name} in Cargo.lock has no version"))?;
    Ok(Key { name, version, source: text("source") })
}

/// `name`, `name version` or `name version (source)`: as short as it is clear.
fn dependency(told: &Value, named: &BTreeMap<&str, Vec<&Key>>) -> Result<Key> {
    let told = told.as_str().context("a dependency in Cargo.lock is no text")?;
    let mut parts = told.splitn(3, ' ');
    let (name, version, source) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    let source = source.map(|source| source.trim_start_matches('(').trim_end_matches(')'));
    let fits = |key: &&Key| {
        version.is_none_or(|version| version == key.version)
            && source.is_none_or(|source| key.source.as_deref() == Some(source))
    };
    match named.get(name).into_iter().flatten().copied().filter(fits).collect::<Vec<&Key>>().as_slice() {
        [one] => Ok((*one).clone()),
        _ => bail!("the dependency `{told}` in Cargo.lock is not one of its packages"),
    }
}

/// A lock as a list, since keys of JSON are texts.
pub(super) mod listed {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Key, Lock, Locked};

    pub(in super::super) fn serialize<S: Serializer>(lock: &Lock, serializer: S) -> Result<S::Ok, S::Error> {
        lock.iter().collect::<Vec<_>>().serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Lock, D::Error> {
        Ok(Vec::<(Key, Locked)>::deserialize(deserializer)?.into_iter().collect())
    }
}
