//! Turns what differs into what the planner takes: packages of the graph, each with the changed path to blame.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    compare::{Difference, Differs},
    lock::{Key, Lock},
    manifest::{Concerns, concerns},
};
use crate::affected::{
    graph::{PackageIndex, Reach, Workspace},
    path::RepoPath,
};

/// What became of the changed manifests and lock files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Manifests {
    /// None changed, so nothing was compared.
    #[default]
    Untouched,
    /// They were compared.
    Compared(Compared),
    /// They cannot be compared, and each selects every job: why.
    Unknown(String),
}

/// The outcome of comparing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// The changed manifests and lock files. Of any other, nothing is known.
    pub paths: BTreeSet<RepoPath>,
    /// What each changed path did; a manifest that is not here did nothing.
    pub effects: BTreeMap<RepoPath, Vec<Effect>>,
    /// Folders of packages that are no more; what was in them did what the comparison says.
    pub gone: BTreeSet<String>,
}

/// One thing that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// What it is, in a few words.
    pub what: String,
    /// The package, and how far it reaches; `None` for every job.
    pub origin: Option<(PackageIndex, Reach)>,
    /// The names of crates, where the lock file has these otherwise and nothing else is meant: who builds none of them is
    /// not reached.
    pub crates: BTreeSet<String>,
}

/// Where a package from elsewhere is in the graph; none for one that the graph leaves out, an option that nobody took.
pub type Known<'a> = &'a dyn Fn(&Key) -> Option<PackageIndex>;

/// Places every difference. `paths` are the changed manifests and lock files, at least one.
#[must_use]
pub fn place(
    difference: &Difference,
    paths: &BTreeSet<RepoPath>,
    workspace: &Workspace,
    lock: &Lock,
    known: Known<'_>,
) -> Compared {
    let none = BTreeSet::new();
    let mut compared = Compared { paths: paths.clone(), gone: difference.gone.clone(), ..Compared::default() };
    let mut add = |wanted: &[&str], what: String, origin, crates: &BTreeSet<String>| {
        let found = wanted.iter().map(|name| RepoPath::new(*name)).find(|path| paths.contains(path));
        let Some(path) = found.or_else(|| paths.first().cloned()) else { return };
        compared.effects.entry(path).or_default().push(Effect { what, origin, crates: crates.clone() });
    };
    let at =
        |folder: &str| workspace.members().find(|(_, package)| package.directory.as_deref() == Some(folder.as_bytes()));
    for what in &difference.everywhere {
        match concerns(what) {
            // Which builds are others, the planner knows by the name.
            Concerns::All | Concerns::OtherBuilds => add(&["Cargo.toml"], what.clone(), None, &none),
            Concerns::Package(name) => {
                let crates = BTreeSet::from([name.clone()]);
                let packages = workspace.packages.iter().enumerate().filter(|(_, package)| package.name == name);
                for (index, _) in packages {
                    add(&["Cargo.toml"], what.clone(), Some((index, Reach::Dependents)), &crates);
                }
            }
        }
    }
    for (folder, Differs { reach, what, crates }) in &difference.members {
        let own = if folder.is_empty() { "Cargo.toml".to_owned() } else { format!("{folder}/Cargo.toml") };
        let origin = at(folder).map(|(index, _)| (index, *reach));
        // A member that the graph does not have is not understood, and then every job is the answer.
        add(&[&own, "Cargo.toml", "Cargo.lock"], what.clone(), origin, crates);
    }
    for folder in &difference.gone {
        // No member any more, but still a package that others use: profiles and test builds treat it otherwise.
        let still =
            workspace.packages.iter().position(|package| package.directory.as_deref() == Some(folder.as_bytes()));
        if let Some(index) = still {
            add(&["Cargo.toml"], "no member any more".to_owned(), Some((index, Reach::Dependents)), &none);
        }
    }
    for (key, what) in &difference.packages {
        for index in in_graph(key, workspace, lock, known) {
            let name = BTreeSet::from([key.name.clone()]);
            add(&["Cargo.lock"], what.clone(), Some((index, Reach::Dependents)), &name);
        }
    }
    compared
}

/// The package, or else the nearest that depend on it and are in the graph.
fn in_graph(key: &Key, workspace: &Workspace, lock: &Lock, known: Known<'_>) -> BTreeSet<PackageIndex> {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::from([key]);
    let mut queue = vec![key];
    while let Some(key) = queue.pop() {
        let member = if key.source.is_none() { workspace.member(&key.name) } else { None };
        match known(key).or(member) {
            Some(index) => drop(found.insert(index)),
            None => {
                let above = lock.iter().filter(|(_, locked)| locked.dependencies.contains(key));
                queue.extend(above.map(|(above, _)| above).filter(|above| seen.insert(above)));
            }
        }
    }
    found
}
