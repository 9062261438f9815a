//! The packages of the workspace, the folders they own, and who depends on whom. No I/O: [`super::cargo`] fills it.

use std::{
    collections::{BTreeMap, HashMap, VecDeque, btree_map::Entry},
    sync::OnceLock,
};

use serde::{Deserialize, Serialize};

use super::path::RepoPath;

/// Where a package is in [`Workspace::packages`].
pub type PackageIndex = usize;

/// All packages of a workspace, and those outside through which its members depend on each other.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Workspace {
    /// Members first or not: the order carries no meaning but must be the same for the same workspace.
    pub packages: Vec<Package>,
    /// Put in order when first asked for; `packages` stays as it is from then on.
    #[serde(skip)]
    order: OnceLock<Order>,
}

/// Where packages are, for those who know a name or a folder.
#[derive(Clone, Debug, Default)]
struct Order {
    members: HashMap<String, PackageIndex>,
    folders: HashMap<Vec<u8>, PackageIndex>,
}

/// One package.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Package {
    /// Its name in the manifest.
    pub name: String,
    /// Its folder, relative to the workspace root and without a trailing `/`; `None` for a package from a registry.
    pub directory: Option<Vec<u8>>,
    /// Whether it is a member of the workspace (only members have tests to run).
    pub member: bool,
    /// Folders below its own that nothing but its own tests, examples and benches is built from.
    pub test_only: Vec<String>,
    /// Its build script, relative to its folder.
    pub build_script: Option<Vec<u8>>,
    /// Executables it builds.
    pub executables: Vec<String>,
    /// The packages that depend on this one.
    pub dependents: Vec<Dependent>,
}

/// A package that depends on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Dependent {
    /// Who depends.
    pub package: PackageIndex,
    /// Only its tests, examples and benches do, so that what depends on *it* is out of reach.
    pub dev_only: bool,
}

/// How far a change inside a package reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Reach {
    /// Its own tests alone.
    OwnTests,
    /// All that depends on it.
    Dependents,
}

impl Workspace {
    /// A workspace of these packages.
    #[must_use]
    pub fn new(packages: Vec<Package>) -> Self {
        Self { packages, order: OnceLock::new() }
    }

    /// The package whose folder holds `path`: the deepest one. A package at the workspace root owns only its targets'
    /// usual places, or it would own every file that nobody thought of.
    #[must_use]
    pub fn owner(&self, path: &RepoPath) -> Option<(PackageIndex, Reach)> {
        let folders = &self.order().folders;
        let bytes = path.as_bytes();
        let slashes = bytes.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        let deepest = slashes
            .map(|at| (&bytes[..at], &bytes[at + 1..]))
            .find_map(|(folder, inside)| folders.get(folder).map(|index| (*index, inside)));
        let root = || folders.get(&b""[..]).filter(|_| is_target_file(bytes)).map(|index| (*index, bytes));
        let (index, inside) = deepest.or_else(root)?;
        let test_only = self.packages[index].test_only.iter();
        let own =
            test_only.map(String::as_bytes).any(|dir| inside.strip_prefix(dir).is_some_and(|r| r.starts_with(b"/")));
        Some((index, if own { Reach::OwnTests } else { Reach::Dependents }))
    }

    fn order(&self) -> &Order {
        self.order.get_or_init(|| {
            let mut order = Order::default();
            // Where two share a name or a folder, the first is meant.
            for (index, package) in self.packages.iter().enumerate().rev() {
                if package.member {
                    order.members.insert(package.name.clone(), index);
                }
                if let Some(folder) = &package.directory {
                    order.folders.insert(folder.clone(), index);
                }
            }
            order
        })
    }

    /// Every package that a change in `origin` can reach, with the shortest way there (`origin` first, itself last).
    ///
    /// A way over a dev-dependency ends there: it changes the dependent's tests, and nobody depends on those.
    #[must_use]
    pub fn reached(&self, origin: PackageIndex, reach: Reach) -> BTreeMap<PackageIndex, Vec<PackageIndex>> {
        let mut ways = BTreeMap::from([(origin, vec![origin])]);
        if reach == Reach::OwnTests {
            return ways;
        }
        let mut tests_only: BTreeMap<PackageIndex, Vec<PackageIndex>> = BTreeMap::new();
        let mut queue = VecDeque::from([origin]);
        while let Some(at) = queue.pop_front() {
            let way = ways[&at].clone();
            for dependent in &self.packages[at].dependents {
                let longer = || way.iter().copied().chain([dependent.package]).collect();
                if dependent.dev_only {
                    tests_only.entry(dependent.package).or_insert_with(longer);
                } else if let Entry::Vacant(unseen) = ways.entry(dependent.package) {
                    unseen.insert(longer());
                    queue.push_back(dependent.package);
                }
            }
        }
        for (package, way) in tests_only {
            let known = ways.entry(package).or_insert_with(|| way.clone());
            if way.len() < known.len() {
                *known = way;
            }
        }
        ways
    }

    /// The member of that name.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<PackageIndex> {
        self.order().members.get(name).copied()
    }

    /// All members, with their indices.
    pub fn members(&self) -> impl Iterator<Item = (PackageIndex, &Package)> {
        self.packages.iter().enumerate().filter(|(_, package)| package.member)
    }
}

fn is_target_file(path: &[u8]) -> bool {
    path == b"build.rs" || [&b"src/"[..], b"tests/", b"examples/", b"benches/"].iter().any(|dir| path.starts_with(dir))
}

#[cfg(test)]
mod tests {
    use super::{Dependent, Package, Reach, RepoPath, Workspace};

    fn package(name: &str, directory: &str, dependents: &[(usize, bool)]) -> Package {
        Package {
            name: name.to_owned(),
            directory: Some(directory.into()),
            member: true,
            test_only: vec!["tests".to_owned()],
            build_script: None,
            executables: Vec::new(),
            dependents: dependents.iter().map(|&(package, dev_only)| Dependent { package, dev_only }).collect(),
        }
    }

    fn owner(path: &str) -> Option<(usize, Reach)> {
        let packages = vec![package("root", "", &[]), package("a", "a", &[]), package("inner", "a/inner", &[])];
        Workspace::new(packages).owner(&RepoPath::new(path))
    }

    #[test]
    fn the_deepest_folder_owns() {
        assert_eq!(owner("a/src/lib.rs"), Some((1, Reach::Dependents)));
        assert_eq!(owner("a/inner/src/lib.rs"), Some((2, Reach::Dependents)));
        assert_eq!(owner("a/tests/x.rs"), Some((1, Reach::OwnTests)));
        assert_eq!(owner("a/tests.rs"), Some((1, Reach::Dependents)));
    }

    #[test]
    fn a_root_package_does_not_swallow_what_nobody_owns() {
        assert_eq!(owner("src/lib.rs"), Some((0, Reach::Dependents)));
        assert_eq!(owner("ab/x"), None);
        assert_eq!(owner("Makefile"), None);
    }

    #[test]
    fn a_dev_dependency_reaches_tests_and_no_further() {
        // 0 <- 1 (dev) <- 2; 0 <- 3
        let packages = vec![
            package("base", "base", &[(1, true), (3, false)]),
            package("tested", "tested", &[(2, false)]),
            package("user", "user", &[]),
            package("other", "other", &[]),
        ];
        let reached = Workspace::new(packages).reached(0, Reach::Dependents);
        assert_eq!(reached.keys().copied().collect::<Vec<_>>(), [0, 1, 3]);
    }

    #[test]
    fn the_shortest_way_is_told_and_cycles_end() {
        // 0 <- 1 <- 2 <- 0 (dev cycle), and 0 <- 2 directly
        let packages = vec![
            package("a", "a", &[(1, false), (2, false)]),
            package("b", "b", &[(2, false)]),
            package("c", "c", &[(0, true)]),
        ];
        let reached = Workspace::new(packages).reached(0, Reach::Dependents);
        assert_eq!(reached[&2], [0, 2]);
        assert_eq!(reached[&0], [0]);
    }
}
