//! Who there is and who reads what: written out for the listed cases, drawn from a seed for the others.

use fastrand::Rng;

/// A workspace before it is files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::affected_bench) struct Design {
    /// Its drivers; the first is the default gate.
    pub(in crate::affected_bench) drivers: Vec<Driver>,
}

/// A driver: a package `driver-<name>` with a job of that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::affected_bench) struct Driver {
    /// Its folder below `drivers`.
    pub(in crate::affected_bench) name: String,
    /// Another driver, whose files it reads where a reading says so.
    pub(in crate::affected_bench) peer: String,
    /// What its code and tests read beside its sources.
    pub(in crate::affected_bench) readings: Vec<Reading>,
    /// Lines of its `[dependencies]` and later tables.
    pub(in crate::affected_bench) dependencies: Vec<&'static str>,
    /// Crates whose `value()` its library adds up.
    pub(in crate::affected_bench) calls: Vec<&'static str>,
    /// Its `job.toml`, where it has one.
    pub(in crate::affected_bench) job: Option<&'static str>,
}

/// A way in which a file that is not listed in a manifest changes a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::affected_bench) enum Reading {
    /// `include_str!` of a file beside the source.
    Include,
    /// `include_str!` of a file of its peer.
    IncludeOfPeer,
    /// A module by `#[path]` from its peer.
    PathModule,
    /// Its README as documentation.
    DocInclude,
    /// A module that a macro declares, which scanners of source text do not see.
    ModuleInMacro,
    /// A procedural macro reads a file while it expands; cargo does not know.
    MacroReads,
    /// A build script that says what it reads: a file and a variable.
    BuildListed,
    /// A build script that does not say so, and reads one file of its package and one outside.
    BuildBlind,
    /// A fixture of its own, by a path from its folder.
    RunOwn,
    /// A fixture of its peer, by `../`.
    RunPeer,
    /// A fixture outside all packages, by `CARGO_MANIFEST_DIR` and `join`.
    RunJoined,
    /// The same by `concat!`.
    RunConcat,
    /// Whatever a folder lists.
    RunListed,
    /// A file that may be there.
    RunOptional,
    /// A script, which must be executable.
    RunScript,
    /// A fixture over a symbolic link to common's, and another over a linked folder.
    RunLink,
    /// A file of the submodule.
    RunSubmodule,
    /// A variable that cargo's configuration sets.
    RunVariable,
    /// A folder whose names hold spaces and line ends. What is no UTF-8 comes with cases: peers refuse trees that have it.
    RunOddNames,
}

impl Reading {
    /// All of them.
    pub(in crate::affected_bench) const ALL: [Self; 19] = [
        Self::Include,
        Self::IncludeOfPeer,
        Self::PathModule,
        Self::DocInclude,
        Self::ModuleInMacro,
        Self::MacroReads,
        Self::BuildListed,
        Self::BuildBlind,
        Self::RunOwn,
        Self::RunPeer,
        Self::RunJoined,
        Self::RunConcat,
        Self::RunListed,
        Self::RunOptional,
        Self::RunScript,
        Self::RunLink,
        Self::RunSubmodule,
        Self::RunVariable,
        Self::RunOddNames,
    ];
}

const VOLUMES: &str = "volumes.workspace = true";
const LEAF: &str = "leaf.workspace = true";
const BRANCH: &str = "branch = \"1\"";
const OPTIONAL: &str = "extra = { version = \"1\", optional = true }";
const SERVICE_IN_TESTS: &str = "[dev-dependencies]\nservice = { path = \"../../service\" }";
const OTHER_PLATFORM: &str = "[target.'cfg(windows)'.dependencies]\nwinonly = \"1\"";

impl Design {
    /// The workspace that the listed cases edit: each reading once.
    pub(in crate::affected_bench) fn listed() -> Self {
        use Reading as R;
        let driver = |name: &str, peer: &str, readings: &[R], dependencies: &[&'static str], calls: &[_], job| Driver {
            name: name.to_owned(),
            peer: peer.to_owned(),
            readings: readings.to_vec(),
            dependencies: dependencies.to_vec(),
            calls: calls.to_vec(),
            job,
        };
        Self {
            drivers: vec![
                driver(
                    "local",
                    "lvm",
                    &[R::Include, R::IncludeOfPeer, R::RunOwn, R::RunListed, R::RunOptional],
                    &[VOLUMES, OPTIONAL, SERVICE_IN_TESTS],
                    &["volumes"],
                    Some("more-packages = [\"volumes\"]\n"),
                ),
                driver(
                    "lvm",
                    "nfs",
                    &[R::BuildListed, R::MacroReads, R::RunJoined, R::RunLink, R::RunOddNames],
                    &[LEAF],
                    &["leaf"],
                    None,
                ),
                driver(
                    "nfs",
                    "local",
                    &[R::BuildBlind, R::PathModule, R::RunPeer, R::ModuleInMacro],
                    &[VOLUMES, BRANCH],
                    &["volumes", "branch"],
                    Some("on-common-change = \"check\"\n"),
                ),
                driver(
                    "rbd",
                    "nfs",
                    &[R::DocInclude, R::RunConcat, R::RunSubmodule, R::RunScript, R::RunVariable],
                    &[OTHER_PLATFORM],
                    &[],
                    Some("voting = false\n"),
                ),
            ],
        }
    }

    /// A workspace of three to five drivers, who read and depend as the seed has it.
    pub(in crate::affected_bench) fn seeded(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let count = rng.usize(3..=5);
        let names: Vec<String> = (0..count).map(|index| format!("d{index}")).collect();
        let drivers = names.iter().enumerate().map(|(index, name)| {
            let (dependencies, calls) = drawn_dependencies(&mut rng);
            Driver {
                name: name.clone(),
                peer: names[(index + rng.usize(1..count)) % count].clone(),
                readings: drawn_readings(&mut rng),
                dependencies,
                calls,
                job: match rng.u8(0..6) {
                    0 if index > 0 => Some("voting = false\n"),
                    1 if index > 0 => Some("on-common-change = \"check\"\n"),
                    _ if index == 0 => Some("more-packages = [\"volumes\"]\n"),
                    _ => None,
                },
            }
        });
        Self { drivers: drivers.collect() }
    }

    /// Whether a driver reads in this way.
    pub(in crate::affected_bench) fn has(&self, reading: Reading) -> bool {
        self.drivers.iter().any(|driver| driver.readings.contains(&reading))
    }
}

fn drawn_readings(rng: &mut Rng) -> Vec<Reading> {
    let mut readings: Vec<Reading> = Reading::ALL.into_iter().filter(|_| rng.u8(0..3) == 0).collect();
    // A package has one build script.
    if readings.contains(&Reading::BuildListed) {
        readings.retain(|reading| *reading != Reading::BuildBlind);
    }
    readings
}

fn drawn_dependencies(rng: &mut Rng) -> (Vec<&'static str>, Vec<&'static str>) {
    let (mut lines, mut calls) = (Vec::new(), Vec::new());
    for (line, called) in [(VOLUMES, Some("volumes")), (LEAF, Some("leaf")), (BRANCH, Some("branch")), (OPTIONAL, None)]
    {
        if rng.bool() {
            lines.push(line);
            calls.extend(called);
        }
    }
    // Tables come after the plain lines.
    for table in [SERVICE_IN_TESTS, OTHER_PLATFORM] {
        if rng.u8(0..4) == 0 {
            lines.push(table);
        }
    }
    (lines, calls)
}

#[cfg(test)]
mod tests {
    use super::{Design, Reading};

    #[test]
    fn the_listed_design_reads_in_every_way() {
        let listed = Design::listed();
        assert!(Reading::ALL.into_iter().all(|reading| listed.has(reading)));
    }

    #[test]
    fn seeds_differ_in_size_and_in_what_is_read() {
        let drawn: Vec<Design> = (0..20).map(Design::seeded).collect();
        assert!((3..=5).all(|count| drawn.iter().any(|design| design.drivers.len() == count)));
        assert!(Reading::ALL.into_iter().all(|reading| drawn.iter().any(|design| design.has(reading))));
    }
}
