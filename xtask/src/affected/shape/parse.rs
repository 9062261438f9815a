//! Puts a shape together from the texts that say it.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashSet},
};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};
use toml::Table;

use super::{
    lock::{self, Key, Lock},
    manifest::{self, Facts},
    member::{self, Member},
};

/// What cargo would compile, as far as manifests and lock decide it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// What reaches every package.
    pub everywhere: Facts,
    /// The members by their folder.
    pub members: BTreeMap<String, Member>,
    /// The packages that cargo would take.
    #[serde(with = "lock::listed")]
    pub lock: Lock,
}

/// Of what `cargo metadata` prints, most is of crates that are no members.
#[derive(Deserialize)]
struct Document<'d> {
    #[serde(borrow)]
    packages: Vec<&'d RawValue>,
    #[serde(borrow)]
    workspace_members: Vec<Cow<'d, str>>,
}

/// A package, as far as it has to be read to be passed over.
#[derive(Deserialize)]
struct Named<'d> {
    #[serde(borrow)]
    id: Cow<'d, str>,
}

/// The members' folders, relative to `root`, and entries in what `cargo metadata` printed, with or without `--no-deps`.
///
/// # Errors
/// It is not what cargo prints.
pub fn members(metadata: &str, root: &str) -> Result<BTreeMap<String, Value>> {
    let document: Document<'_> =
        serde_json::from_str(metadata).context("cargo metadata printed nothing that is known")?;
    let ids: HashSet<&str> = document.workspace_members.iter().map(AsRef::as_ref).collect();
    let mut members = BTreeMap::new();
    for package in document.packages {
        let Named { id } = serde_json::from_str(package.get()).context("a package without an id")?;
        if !ids.contains(id.as_ref()) {
            continue;
        }
        let package: Value = serde_json::from_str(package.get())?;
        let manifest = package.get("manifest_path").and_then(Value::as_str).context("a package without a place")?;
        let Some(inside) = manifest.strip_prefix(root).and_then(|path| path.strip_prefix('/')) else {
            bail!("the member {manifest} is outside of the workspace's folder");
        };
        let folder = inside.strip_suffix("Cargo.toml").context("a manifest of another name")?.trim_end_matches('/');
        members.insert(folder.to_owned(), package);
    }
    Ok(members)
}

impl Shape {
    /// Puts it together. `read` gives the text of a file by its folder, relative to `root` ("" is the root), and name.
    ///
    /// # Errors
    /// A file that cannot be read or is not of its form, or a lock file that does not fit the manifests.
    pub fn read(
        members: &BTreeMap<String, Value>,
        root: &str,
        read: &dyn Fn(&str, &str) -> Result<String>,
    ) -> Result<Self> {
        let table = |folder: &str| -> Result<Table> {
            let text = read(folder, "Cargo.toml")?;
            toml::from_str(&text).with_context(|| format!("the manifest of `{folder}` is no TOML"))
        };
        let whole = table("")?;
        let lock = lock::parse(&read("", "Cargo.lock")?)?;
        let mut shape = Self { everywhere: manifest::of_all(&whole), lock, ..Self::default() };
        for (folder, package) in members {
            let object = package.as_object().context("a package is no object")?;
            let mut member = member::parse(object, root)?;
            let (built, tests) = manifest::of_member(&table(folder)?, &whole);
            member.built.extend(built);
            member.tests.extend(tests);
            fits(&member, &shape.lock)?;
            shape.members.insert(folder.clone(), member);
        }
        Ok(shape)
    }
}

/// A lock file that cargo would have to mend says nothing about what it would take.
fn fits(member: &Member, lock: &Lock) -> Result<()> {
    let key = Key { name: member.name.clone(), version: member.version.clone(), source: None };
    let locked = lock.get(&key).with_context(|| format!("Cargo.lock lacks {} {}", key.name, key.version))?;
    let names: BTreeSet<&str> = locked.dependencies.iter().map(|key| key.name.as_str()).collect();
    let declared: BTreeSet<&str> = member.depends.keys().map(String::as_str).collect();
    let mut differing = names.symmetric_difference(&declared).filter(|name| **name != member.name);
    ensure!(differing.next().is_none(), "Cargo.lock does not fit the dependencies of {}", member.name);
    Ok(())
}
