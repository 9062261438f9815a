//! What a job's programs read at the base, from a trace of their system calls.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::changed::Change;
use crate::{
    affected::path::RepoPath,
    trace::{By, How, Touch},
};

/// Settings that programs above the tests read. Beside these, what cargo itself touches does not count: it asks about
/// every file, and what comes of that is seen in what it builds.
const SETTINGS: [&str; 5] =
    [".cargo/config.toml", ".cargo/config", "rust-toolchain.toml", "rust-toolchain", ".config/nextest.toml"];

/// The touches of one job, by path from the root of the tree.
#[derive(Debug, Default)]
pub(super) struct Reads(BTreeMap<Vec<u8>, BTreeSet<(How, By)>>);

/// A changed path that was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hit {
    /// What and how, for people.
    pub(super) why: String,
    /// Something that builds read it, so that only a build from nothing is sure to see the change.
    pub(super) while_building: bool,
}

impl Reads {
    /// Those of a trace that lie below `root`.
    pub(super) fn new(root: &Path, touches: &BTreeSet<Touch>) -> Self {
        let mut reads: BTreeMap<Vec<u8>, BTreeSet<(How, By)>> = BTreeMap::new();
        for touch in touches {
            let Some(path) = RepoPath::relative(root, &touch.path) else { continue };
            if touch.how != How::Written && counts(path.as_bytes(), touch.by) {
                reads.entry(path.as_bytes().to_vec()).or_default().insert((touch.how, touch.by));
            }
        }
        Self(reads)
    }

    /// Whether a change is among what was read. `there_before` and `there_now` say whether a path was and is there.
    pub(super) fn hit(
        &self,
        change: &Change,
        there_before: impl Fn(&RepoPath) -> bool,
        there_now: impl Fn(&RepoPath) -> bool,
    ) -> Option<Hit> {
        let path = change.path.as_bytes();
        // What is below a changed path was read over a link, or is in a submodule.
        let below = [path, b"/"].concat();
        let beneath = self.0.range(below.clone()..).take_while(|(read, _)| read.starts_with(&below));
        // Cargo only asks of some paths whether they are there, also the cargo that a test starts.
        let asked = |how: &BTreeSet<(How, By)>| how.iter().all(|(how, _)| *how == How::Found);
        let itself = self.0.get_key_value(path).filter(|(_, how)| change.listed_otherwise || !asked(how));
        let direct = itself.into_iter().chain(beneath).next();
        if let Some((read, how)) = direct {
            return Some(hit(read, how));
        }
        if !change.listed_otherwise {
            return None;
        }
        let mut at = path;
        while let Some(slash) = at.iter().rposition(|byte| *byte == b'/') {
            at = &at[..slash];
            let how = self
                .0
                .get(at)
                .map(|how| how.iter().copied().filter(|(how, _)| !matches!(how, How::Read | How::Found)).collect());
            if let Some(how) = how.filter(|how: &BTreeSet<_>| !how.is_empty()) {
                return Some(hit(at, &how));
            }
            // Above a folder that came or went with the path, listings differ too.
            let folder = RepoPath::new(at);
            if there_before(&folder) && there_now(&folder) {
                return None;
            }
        }
        let top = self.0.get(&b""[..]).filter(|how| how.iter().any(|(how, _)| *how == How::Listed));
        top.map(|how| hit(b"", how))
    }
}

fn counts(path: &[u8], by: By) -> bool {
    by != By::Cargo
        || SETTINGS
            .iter()
            .any(|setting| path.strip_suffix(setting.as_bytes()).is_some_and(|r| r.is_empty() || r.ends_with(b"/")))
}

fn hit(path: &[u8], how: &BTreeSet<(How, By)>) -> Hit {
    let words: BTreeSet<&str> = how.iter().map(|(how, _)| word(*how)).collect();
    let words: Vec<&str> = words.into_iter().collect();
    Hit {
        why: format!("{} is {}", RepoPath::new(path), words.join(" and ")),
        while_building: how.iter().any(|(_, by)| *by == By::Build),
    }
}

fn word(how: How) -> &'static str {
    match how {
        How::Read => "read",
        How::Found => "found",
        How::Listed => "listed",
        How::Absent => "looked for",
        How::Written => "written",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{By, Change, How, Reads, RepoPath, Touch};

    fn hits(path: &str, listed_otherwise: bool) -> bool {
        let touch = |path: &str, how, by| Touch { path: Path::new("/t").join(path), how, by };
        let touches = [
            touch("fixtures/a.txt", How::Read, By::Run),
            touch("fixtures/list", How::Listed, By::Run),
            touch("settings/x", How::Absent, By::Run),
            touch("Cargo.toml", How::Read, By::Cargo),
            touch(".cargo/config.toml", How::Read, By::Cargo),
            touch("out.txt", How::Written, By::Run),
            touch("README.md", How::Found, By::Run),
        ];
        let reads = Reads::new(Path::new("/t"), &touches.into());
        let there = |path: &RepoPath| [&b"fixtures"[..], b"fixtures/list", b"settings"].contains(&path.as_bytes());
        reads.hit(&Change { path: RepoPath::new(path), listed_otherwise }, there, there).is_some()
    }

    #[test]
    fn what_was_read_listed_or_looked_for_is_hit() {
        assert!(hits("fixtures/a.txt", false));
        assert!(hits("fixtures/list/new.txt", true));
        assert!(hits("fixtures/list/new/deep.txt", true));
        assert!(hits("settings/x", true));
        assert!(hits("settings/x/y.txt", true));
        assert!(hits("fixtures", false), "a link or submodule on the way");
        assert!(hits(".cargo/config.toml", false));
        assert!(hits("README.md", true), "it went, and somebody asks for it");
    }

    #[test]
    fn what_was_not_is_not() {
        assert!(!hits("fixtures/b.txt", true));
        assert!(!hits("fixtures/list/old.txt", false), "its contents were not read");
        assert!(!hits("Cargo.toml", false), "cargo reads it, and builds show what comes of that");
        assert!(!hits("out.txt", false));
        assert!(!hits("README.md", false), "it is still there");
    }
}
