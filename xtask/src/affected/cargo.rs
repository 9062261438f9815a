//! Reads the package graph from `cargo metadata`, through guppy.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
};

use anyhow::{Context, Result, bail};
use guppy::graph::{BuildTarget, BuildTargetId, PackageGraph, PackageMetadata};
use serde::{Deserialize, Serialize};
use xshell::{Shell, cmd};

use super::{
    graph::{Dependent, Package, PackageIndex, Workspace},
    kept::Kept,
    path::RepoPath,
    shape::lock::Key,
};

/// What cargo's answers are kept as.
const KIND: &str = "cargo";

/// A cargo workspace on this machine.
#[derive(Serialize, Deserialize)]
pub struct Cargo {
    /// The folder of the root manifest.
    pub root: PathBuf,
    /// Where cargo builds.
    pub target: PathBuf,
    /// Its packages.
    pub workspace: Workspace,
    locked: Vec<(Key, PackageIndex)>,
    /// Whether a package lies outside of `root`, where nobody watches for its changes.
    strays: bool,
}

impl Cargo {
    /// Reads the workspace that holds `directory`. Nothing is built; the lock file is not changed, and the network is
    /// used only where packages were never downloaded.
    ///
    /// # Errors
    /// A manifest that cargo refuses, or a lock file that does not fit the manifests; cargo's own words are kept.
    pub fn read(directory: &Path) -> Result<Self> {
        Self::parse(&tell(directory)?)
    }

    fn parse(told: &str) -> Result<Self> {
        let graph = PackageGraph::from_json(told).context("cargo metadata is not what guppy reads")?;
        let root = graph.workspace().root().as_std_path().to_owned();
        let target = graph.workspace().target_directory().as_std_path().to_owned();
        let (workspace, locked) = workspace(&graph, &root);
        let strays = graph.packages().any(|package| {
            package.source().local_path().is_some() && !package.manifest_path().starts_with(graph.workspace().root())
        });
        Ok(Self { workspace, locked, target, root, strays })
    }

    /// The package that a lock entry is; none for an optional one that nobody asked for.
    #[must_use]
    pub fn locked(&self, key: &Key) -> Option<PackageIndex> {
        let exact = self.locked.binary_search_by(|(known, _)| known.cmp(key)).ok().map(|at| self.locked[at].1);
        exact.or_else(|| {
            // Lock files and cargo have spelled sources in more than one way.
            let mut same = self.locked.iter().filter(|(known, _)| {
                known.name == key.name && known.version == key.version && known.source.is_some() == key.source.is_some()
            });
            same.next().filter(|_| same.next().is_none()).map(|(_, index)| *index)
        })
    }

    /// `name version` of each package that these members can be built from, with any features, on any platform.
    #[must_use]
    pub fn closure(&self, members: &[String]) -> BTreeSet<String> {
        let mut found: BTreeSet<PackageIndex> = members.iter().filter_map(|name| self.workspace.member(name)).collect();
        let mut ahead: Vec<PackageIndex> = found.iter().copied().collect();
        while let Some(at) = ahead.pop() {
            let needs = |package: &Package| package.dependents.iter().any(|dependent| dependent.package == at);
            let all = self.workspace.packages.iter().enumerate();
            ahead
                .extend(all.filter(|(_, package)| needs(package)).map(|(index, _)| index).filter(|i| found.insert(*i)));
        }
        let named = self.locked.iter().filter(|(_, index)| found.contains(index));
        named.map(|(key, _)| format!("{} {}", key.name, key.version)).collect()
    }
}

/// What cargo says of a workspace: read before, or in its own words.
pub enum Answer {
    /// It is the same as it was.
    Known(Cargo),
    /// What `cargo metadata` printed.
    Told(Arc<str>),
}

/// Words of cargo that are on their way.
pub type Ahead = JoinHandle<Result<String>>;

impl Answer {
    /// Asks cargo where no answer is kept that could fit, before anything else is known.
    #[must_use]
    pub fn ahead(directory: &Path, kept: &Kept) -> Option<Ahead> {
        let directory = directory.to_owned();
        (!kept.has(KIND)).then(|| std::thread::spawn(move || tell(&directory)))
    }

    /// The answer for `directory`: the one kept under a digest of all that cargo takes it from, or else a new one.
    ///
    /// # Errors
    /// Cargo refuses; its own words are kept.
    pub fn get(directory: &Path, kept: &Kept, digest: Option<&str>, ahead: Option<Ahead>) -> Result<Self> {
        let known = || kept.get::<Cargo>(KIND, digest?).filter(|known| known.root.is_dir());
        Ok(match ahead {
            Some(reading) => Self::Told(reading.join().expect("asking cargo does not panic")?.into()),
            None => match known() {
                Some(known) => Self::Known(known),
                None => Self::Told(tell(directory)?.into()),
            },
        })
    }

    /// Cargo's own words, where it was asked.
    #[must_use]
    pub fn told(&self) -> Option<Arc<str>> {
        if let Self::Told(told) = self { Some(Arc::clone(told)) } else { None }
    }

    /// The workspace; from now on kept under the digest.
    ///
    /// # Errors
    /// Cargo said something that is not understood.
    pub fn read(self, kept: &Kept, digest: Option<&str>) -> Result<Cargo> {
        let told = match self {
            Self::Known(known) => return Ok(known),
            Self::Told(told) => told,
        };
        let read = Cargo::parse(&told)?;
        if let Some(digest) = digest.filter(|_| !read.strays) {
            kept.put(KIND, digest, &read);
        }
        Ok(read)
    }
}

/// Asks cargo.
fn tell(directory: &Path) -> Result<String> {
    let shell = Shell::new()?;
    shell.change_dir(directory);
    let command = "cargo metadata --format-version 1 --locked";
    let arguments = ["metadata", "--format-version", "1", "--locked"];
    let mut output = cmd!(shell, "cargo {arguments...} --offline").quiet().ignore_status().output()?;
    if !output.status.success() {
        output = cmd!(shell, "cargo {arguments...}").quiet().ignore_status().output()?;
    }
    if !output.status.success() {
        let said = String::from_utf8_lossy(output.stderr.trim_ascii()).into_owned();
        bail!("`{command}` failed; if Cargo.lock does not fit the manifests, `cargo check` mends it:\n{said}");
    }
    String::from_utf8(output.stdout).context("cargo metadata printed no UTF-8")
}

fn workspace(graph: &PackageGraph, root: &Path) -> (Workspace, Vec<(Key, PackageIndex)>) {
    let mut all: Vec<PackageMetadata<'_>> = graph.packages().collect();
    all.sort_by(|a, b| a.id().cmp(b.id()));
    let index: BTreeMap<_, _> = all.iter().enumerate().map(|(index, package)| (package.id(), index)).collect();
    let mut packages: Vec<Package> = all.iter().map(|package| describe(package, root)).collect();
    for package in &all {
        for link in package.direct_links() {
            let dependent = Dependent { package: index[package.id()], dev_only: link.dev_only() };
            packages[index[link.to().id()]].dependents.push(dependent);
        }
    }
    for package in &mut packages {
        package.dependents.sort_unstable();
    }
    let key = |package: &PackageMetadata<'_>| Key {
        name: package.name().to_owned(),
        version: package.version().to_string(),
        source: package.source().external_source().map(str::to_owned),
    };
    let mut locked: Vec<_> = all.iter().enumerate().map(|(index, package)| (key(package), index)).collect();
    locked.sort();
    (Workspace::new(packages), locked)
}

fn describe(package: &PackageMetadata<'_>, root: &Path) -> Package {
    let folder = package.manifest_path().parent().filter(|_| package.source().local_path().is_some());
    let directory = folder.and_then(|folder| RepoPath::relative(root, folder.as_std_path()));
    let within =
        |target: &BuildTarget<'_>, dir: &str| folder.is_some_and(|folder| target.path().starts_with(folder.join(dir)));
    let targets = || package.build_targets();
    let builds_for_others = |target: &BuildTarget<'_>| !matches!(target.id(), BuildTargetId::Binary(_));
    let only_for_tests = |target: &BuildTarget<'_>| {
        matches!(target.id(), BuildTargetId::Test(_) | BuildTargetId::Example(_) | BuildTargetId::Benchmark(_))
    };
    let built = |dir: &str| targets().any(|target| !only_for_tests(&target) && within(&target, dir));
    // Nobody who depends on the package builds its executables; `src/bin` belongs to them alone, whatever else is there.
    let binaries = |dir: &str| {
        targets().any(|target| within(&target, dir))
            && targets().all(|target| !builds_for_others(&target) || only_for_tests(&target) || !within(&target, dir))
    };
    let tests = ["tests", "examples", "benches"].into_iter().filter(|dir| !built(dir));
    let test_only = tests.chain(["src/bin"].into_iter().filter(|dir| binaries(dir)));
    let executables = package.build_targets().filter_map(|target| match target.id() {
        BuildTargetId::Binary(name) => Some(name.to_owned()),
        _ => None,
    });
    Package {
        name: package.name().to_owned(),
        directory: directory.map(|directory| directory.as_bytes().to_vec()),
        member: package.in_workspace(),
        test_only: test_only.map(str::to_owned).collect(),
        build_script: targets().find(|target| matches!(target.id(), BuildTargetId::BuildScript)).and_then(|script| {
            let inside = RepoPath::relative(folder?.as_std_path(), script.path().as_std_path())?;
            Some(inside.as_bytes().to_vec())
        }),
        executables: executables.collect(),
        dependents: Vec::new(),
    }
}
