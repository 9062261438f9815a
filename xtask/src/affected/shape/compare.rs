//! What differs between two shapes, package by package.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    lock::{Key, Lock},
    manifest::Facts,
    member::Member,
    parse::Shape,
};
use crate::affected::graph::Reach;

/// What differs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// What reaches every package, by what it is about.
    pub everywhere: BTreeSet<String>,
    /// The folders of members that head has and that differ.
    pub members: BTreeMap<String, Differs>,
    /// Packages from elsewhere that are new in head or differ there.
    pub packages: BTreeMap<Key, String>,
    /// Folders that held a member at base and hold none in head.
    pub gone: BTreeSet<String>,
}

/// How a member differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differs {
    /// How far that reaches.
    pub reach: Reach,
    /// What differs first.
    pub what: String,
    /// The crates that the lock file has otherwise for it, where nothing else differs; else none are named.
    pub crates: BTreeSet<String>,
}

impl Differs {
    fn new(reach: Reach, what: String) -> Self {
        Self { reach, what, crates: BTreeSet::new() }
    }
}

impl Difference {
    /// Adds what another comparison found.
    pub fn extend(&mut self, other: Self) {
        self.everywhere.extend(other.everywhere);
        self.packages.extend(other.packages);
        self.gone.extend(other.gone);
        for (folder, differs) in other.members {
            let known = self.members.entry(folder).or_insert_with(|| differs.clone());
            if known.reach < differs.reach {
                known.reach = differs.reach;
                known.what.clone_from(&differs.what);
            }
            if known.crates.is_empty() || differs.crates.is_empty() {
                known.crates.clear();
            } else {
                known.crates.extend(differs.crates);
            }
        }
    }
}

/// Compares two shapes.
///
/// Only what head has is named: where a package went, the packages that depended on it differ too.
#[must_use]
pub fn compare(base: &Shape, head: &Shape) -> Difference {
    let mut difference =
        Difference { everywhere: differing(&base.everywhere, &head.everywhere), ..Difference::default() };
    for (folder, member) in &head.members {
        let differs = match base.members.get(folder) {
            None => Some(Differs::new(Reach::Dependents, "a new member".to_owned())),
            Some(before) => members(before, &base.lock, member, &head.lock),
        };
        difference.members.extend(differs.map(|differs| (folder.clone(), differs)));
    }
    difference.gone = base.members.keys().filter(|folder| !head.members.contains_key(*folder)).cloned().collect();
    for (key, locked) in &head.lock {
        if head.members.values().any(|member| same(member, key)) {
            continue;
        }
        let what = match base.lock.get(key) {
            Some(before) if before == locked => continue,
            Some(before) if before.facts != locked.facts => format!("{} {}, other contents", key.name, key.version),
            Some(_) => format!("{} {}, other dependencies", key.name, key.version),
            None => {
                let before: Vec<&str> =
                    base.lock.keys().filter(|old| old.name == key.name).map(|old| old.version.as_str()).collect();
                match before.as_slice() {
                    [one] if *one != key.version => format!("{} {one} became {}", key.name, key.version),
                    [] => format!("{} {} is new", key.name, key.version),
                    _ => format!("{} {}, another source or version", key.name, key.version),
                }
            }
        };
        difference.packages.insert(key.clone(), what);
    }
    difference
}

fn same(member: &Member, key: &Key) -> bool {
    key.source.is_none() && key.name == member.name && key.version == member.version
}

fn members(base: &Member, base_lock: &Lock, head: &Member, head_lock: &Lock) -> Option<Differs> {
    if base.name != head.name || base.version != head.version {
        return Some(Differs::new(Reach::Dependents, "another name or version".to_owned()));
    }
    let built = differing(&base.built, &head.built);
    if let Some(what) = built.first() {
        return Some(Differs::new(Reach::Dependents, what.clone()));
    }
    let (before, after) = (taken(base, base_lock), taken(head, head_lock));
    let mut differing_names = before.symmetric_difference(&after).map(|(name, ..)| name).collect::<BTreeSet<_>>();
    // `depends` says of a name whether only tests use it, on either side.
    let for_tests = |name: &&String| [base, head].iter().all(|member| member.depends.get(*name).is_none_or(|dev| *dev));
    let only_tests: BTreeSet<&String> = differing_names.iter().copied().filter(|name| for_tests(name)).collect();
    let tests = differing(&base.tests, &head.tests).first().cloned();
    let crates =
        if tests.is_some() { BTreeSet::new() } else { differing_names.iter().map(|name| (*name).clone()).collect() };
    differing_names.retain(|name| !only_tests.contains(name));
    if let Some(name) = differing_names.first() {
        return Some(Differs { reach: Reach::Dependents, what: format!("another {name}"), crates });
    }
    let what = tests.or_else(|| only_tests.first().map(|name| format!("another {name} for its tests")))?;
    Some(Differs { reach: Reach::OwnTests, what, crates })
}

/// What the lock file takes for each dependency. A package of this tree is known by its name: its version is among its
/// own facts, and is no change of those who use it.
fn taken(member: &Member, lock: &Lock) -> BTreeSet<(String, String, Option<String>)> {
    let entry = lock.iter().find(|(key, _)| same(member, key));
    let keys = entry.into_iter().flat_map(|(_, locked)| &locked.dependencies);
    keys.map(|key| match &key.source {
        Some(source) => (key.name.clone(), key.version.clone(), Some(source.clone())),
        None => (key.name.clone(), String::new(), None),
    })
    .collect()
}

/// What is said otherwise, or on one side only.
fn differing(base: &Facts, head: &Facts) -> BTreeSet<String> {
    let keys = base.keys().chain(head.keys());
    keys.filter(|key| base.get(*key) != head.get(*key)).cloned().collect()
}
