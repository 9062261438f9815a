//! Puts a shape together from the texts that say it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use toml::Table;

use super::{
    lock::{self, Key, Lock},
    manifest::{self, Facts},
    member::{self, Member},
};

/// The files and the answer of cargo that a shape is read from.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    /// The folder of the root manifest, as it is in `metadata`.
    pub root: String,
    /// What `cargo metadata --no-deps` printed.
    pub metadata: String,
    /// Each member's manifest by its folder, relative to `root` ("" is the root); the root's own is always there.
    pub manifests: BTreeMap<String, String>,
    /// `Cargo.lock`.
    pub lock: String,
}

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

impl Texts {
    /// The members' folders and entries in `metadata`.
    ///
    /// # Errors
    /// It is not what cargo prints.
    pub fn members(&self) -> Result<BTreeMap<String, Value>> {
        let mut document: Value = serde_json::from_str(&self.metadata).context("cargo metadata printed no JSON")?;
        let packages = document.get_mut("packages").and_then(Value::as_array_mut).context("no packages are told")?;
        let mut members = BTreeMap::new();
        for package in packages.drain(..) {
            let manifest = package.get("manifest_path").and_then(Value::as_str).context("a package without a place")?;
            let Some(inside) = manifest.strip_prefix(&self.root).and_then(|path| path.strip_prefix('/')) else {
                bail!("the member {manifest} is outside of the workspace's folder");
            };
            let folder = inside.strip_suffix("Cargo.toml").context("a manifest of another name")?.trim_end_matches('/');
            members.insert(folder.to_owned(), package);
        }
        Ok(members)
    }

    /// The shape.
    ///
    /// # Errors
    /// A text that is not of its form, or a lock file that does not fit the manifests.
    pub fn parse(&self) -> Result<Shape> {
        let root: Table = self.table("")?;
        let mut shape =
            Shape { everywhere: manifest::of_all(&root), lock: lock::parse(&self.lock)?, ..Shape::default() };
        for (folder, package) in self.members()? {
            let object = package.as_object().context("a package is no object")?;
            let mut member = member::parse(object, &self.root)?;
            let (built, tests) = manifest::of_member(&self.table(&folder)?, &root);
            member.built.extend(built);
            member.tests.extend(tests);
            fits(&member, &shape.lock)?;
            shape.members.insert(folder, member);
        }
        Ok(shape)
    }

    fn table(&self, folder: &str) -> Result<Table> {
        let text = self.manifests.get(folder).with_context(|| format!("no manifest of `{folder}`"))?;
        toml::from_str(text).with_context(|| format!("the manifest of `{folder}` is no TOML"))
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
