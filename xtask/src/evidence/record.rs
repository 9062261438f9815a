//! What one job read in one run, and what came of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use sha2::{Digest, Sha256};

use crate::affected::{path::RepoPath, tree::Tree};

/// The version of this form.
pub const SCHEMA: u32 = 1;

/// One run of one job. Paths are relative to the workspace root, and `../` leads out of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Record {
    /// The version of this form: 1.
    pub schema: u32,
    /// The job.
    pub job: String,
    /// The commit that was checked out, for people: the tree may have differed from it.
    pub commit: String,
    /// When the run ended, in seconds since 1970.
    pub ended: u64,
    /// Whether every test passed, and at least one ran.
    pub passed: bool,
    /// How many tests ran.
    pub tests: u64,
    /// A digest of what was asked for: the job's packages, tests and command, and the toolchain.
    pub asked: String,
    /// A digest of the machine: its installed packages, and the environment variables that reach a build or a test.
    pub host: String,
    /// What cargo read to know what to build: manifests, the lock file, configuration. Whoever compares manifests
    /// compares these.
    pub governed_by: Reads,
    /// What compilers and build scripts read.
    pub built_from: Reads,
    /// What tests read, and the programs that they started.
    pub run_on: Reads,
    /// `name version` of each package that was built for it.
    pub packages: BTreeSet<String>,
    /// Files below the target folder that tests read or ran and did not write, by their path there, with the SHA-256 of
    /// each: test executables, programs under test.
    pub produced: BTreeMap<String, String>,
}

/// Paths, and what was seen at each.
pub type Reads = BTreeMap<RepoPath, Seen>;

/// What was seen at a path. It is written as one text: `100644 <id>`, `untracked <sha256>`, `present`, `folder`,
/// `listed <sha256>`, `absent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A file, a link or a submodule that git has: mode and object id.
    Tracked(String),
    /// A file that git does not have: the SHA-256 of its contents.
    Untracked(String),
    /// A file or a link, of which it only mattered that it is there.
    Present,
    /// A folder, of which it only mattered that it is there.
    Folder,
    /// A folder whose names were read: a digest of them.
    Listed(String),
    /// Nothing.
    Absent,
}

impl Seen {
    /// What `tree` has at `path`; `listed` where the names in a folder matter. What lies in a submodule is the
    /// submodule's. `untracked` is asked where the tree has nothing, and gives the SHA-256 of a file's contents.
    pub fn at(path: &RepoPath, listed: bool, tree: &Tree, untracked: &dyn Fn(&RepoPath) -> Option<String>) -> Self {
        if let Some((_, entry)) = tree.submodule(path) {
            return Self::Tracked(format!("{} {}", entry.mode, entry.id));
        }
        match tree.get(path) {
            Some(entry) => Self::Tracked(format!("{} {}", entry.mode, entry.id)),
            None if listed && tree.is_folder(path) => Self::Listed(digest_of_names(&tree.names(path))),
            None if tree.is_folder(path) => Self::Folder,
            None => untracked(path).map_or(Self::Absent, Self::Untracked),
        }
    }
}

fn digest_of_names(names: &BTreeSet<Vec<u8>>) -> String {
    let mut digest = Sha256::new();
    for name in names {
        digest.update(name);
        digest.update([0]);
    }
    hexadecimal(&digest.finalize())
}

/// Bytes as hexadecimal digits.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Record {
    /// The first path that is not in `tree` as it was in the run; `None` where the job would read the same there.
    pub fn differs(&self, tree: &Tree, untracked: &dyn Fn(&RepoPath) -> Option<String>) -> Option<&RepoPath> {
        let all = [&self.governed_by, &self.built_from, &self.run_on];
        all.into_iter().find_map(|reads| differs(reads, tree, untracked))
    }

    /// Whether nothing differs but what compilers and build scripts read.
    pub fn differs_in_sources_alone(&self, tree: &Tree, untracked: &dyn Fn(&RepoPath) -> Option<String>) -> bool {
        [&self.governed_by, &self.run_on].into_iter().all(|reads| differs(reads, tree, untracked).is_none())
    }

    /// Whether the run looked at this path, or was governed by it.
    #[must_use]
    pub fn knows(&self, path: &RepoPath) -> bool {
        [&self.governed_by, &self.built_from, &self.run_on].iter().any(|reads| reads.contains_key(path))
    }

    /// Whether the change of `path` between two trees changes what cargo read to know what to build.
    #[must_use]
    pub fn governed_otherwise(&self, path: &RepoPath, base: &Tree, head: &Tree) -> bool {
        touched(&self.governed_by, path, base, head).is_some()
    }

    /// Whether the job read something that a change of `path` between two trees changes: itself, a folder whose names
    /// it changes or that it makes appear or go, or something that lay below it. The first such read is told.
    #[must_use]
    pub fn touched<'r>(&'r self, path: &RepoPath, base: &Tree, head: &Tree) -> Option<&'r RepoPath> {
        [&self.built_from, &self.run_on].into_iter().find_map(|reads| touched(reads, path, base, head))
    }
}

fn differs<'r>(reads: &'r Reads, tree: &Tree, untracked: &dyn Fn(&RepoPath) -> Option<String>) -> Option<&'r RepoPath> {
    let mut differing = reads.iter().filter(|(path, seen)| {
        let here = Seen::at(path, matches!(seen, Seen::Listed(_)), tree, untracked);
        match seen {
            Seen::Present => !matches!(here, Seen::Tracked(_) | Seen::Untracked(_)),
            seen => here != **seen,
        }
    });
    differing.next().map(|(path, _)| path)
}

fn touched<'r>(reads: &'r Reads, path: &RepoPath, base: &Tree, head: &Tree) -> Option<&'r RepoPath> {
    let is_file = |tree: &Tree| tree.get(path).is_some();
    match reads.get_key_value(path) {
        // Its contents did not matter.
        Some((_, Seen::Present)) if is_file(base) == is_file(head) => {}
        Some((read, _)) => return Some(read),
        None => {}
    }
    let is_below = |read: &RepoPath| read.below(path.as_bytes()).is_some();
    if let Some((read, _)) = reads.range(path.inside()..).next().filter(|(read, _)| is_below(read)) {
        return Some(read);
    }
    // Upwards: as long as the way here is there on one side only, what looked at the folder above saw it come or go.
    let mut at = path.clone();
    while base.has(&at) != head.has(&at) {
        let above = at.parent().unwrap_or_else(|| RepoPath::new(""));
        match reads.get_key_value(&above) {
            Some((read, Seen::Folder)) if base.has(&above) != head.has(&above) => return Some(read),
            Some((_, Seen::Folder)) | None if above.as_bytes().is_empty() => return None,
            Some((_, Seen::Folder)) | None => at = above,
            // A file that became a folder, or the other way round.
            Some((read, _)) => return Some(read),
        }
    }
    None
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tracked(entry) => f.write_str(entry),
            Self::Untracked(digest) => write!(f, "untracked {digest}"),
            Self::Present => f.write_str("present"),
            Self::Folder => f.write_str("folder"),
            Self::Listed(digest) => write!(f, "listed {digest}"),
            Self::Absent => f.write_str("absent"),
        }
    }
}

impl FromStr for Seen {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text.split_once(' ') {
            None if text == "present" => Self::Present,
            None if text == "folder" => Self::Folder,
            None if text == "absent" => Self::Absent,
            Some(("untracked", digest)) => Self::Untracked(digest.to_owned()),
            Some(("listed", digest)) => Self::Listed(digest.to_owned()),
            Some((mode, id)) if mode.len() == 6 && !id.is_empty() => Self::Tracked(text.to_owned()),
            _ => bail!("`{text}` is nothing that can be seen at a path"),
        })
    }
}

impl Serialize for Seen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl Record {
    /// Reads a record, if it is of this version.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self> {
        let record: Self = serde_json::from_str(text).context("this is no record of a job")?;
        if record.schema != SCHEMA {
            bail!("the record has schema {}, and this reads {SCHEMA}", record.schema);
        }
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::{Reads, RepoPath, Seen, Tree, touched};

    fn tree(paths: &[&str]) -> Tree {
        let listing: String = paths.iter().map(|path| format!("100644 blob {}\t{path}\0", path.len())).collect();
        Tree::parse(listing.as_bytes()).unwrap()
    }

    fn sees(reads: &[(&str, &str)], changed: &str, base: &[&str], head: &[&str]) -> bool {
        let reads: Reads = reads.iter().map(|(path, seen)| (RepoPath::new(*path), seen.parse().unwrap())).collect();
        touched(&reads, &RepoPath::new(changed), &tree(base), &tree(head)).is_some()
    }

    #[test]
    fn a_file_that_was_read_is_touched_and_its_neighbour_is_not() {
        let reads = [("a/x", "100644 1"), ("a", "folder")];
        assert!(sees(&reads, "a/x", &["a/x", "a/y"], &["a/x", "a/y"]));
        assert!(!sees(&reads, "a/y", &["a/x", "a/y"], &["a/x", "a/y"]));
        assert!(!sees(&reads, "a/z", &["a/x"], &["a/x", "a/z"]));
        assert!(sees(&reads, "a", &["a/x"], &["a"]), "what lay below it");
    }

    #[test]
    fn a_file_that_was_only_found_is_touched_when_it_comes_or_goes() {
        let reads = [("a/x", "present")];
        assert!(!sees(&reads, "a/x", &["a/x"], &["a/x"]), "its contents");
        assert!(sees(&reads, "a/x", &["a/x"], &["a/y"]));
        assert!(sees(&reads, "a/x/y", &["a/x"], &["a/x/y"]), "a folder takes its place");
    }

    #[test]
    fn a_record_with_a_file_that_was_only_found_fits_other_contents_of_it() {
        let record = r#"{"schema":1,"job":"a","commit":"","ended":1,"passed":true,"tests":1,"asked":"","host":"",
            "governed-by":{},"built-from":{},"run-on":{"a/x":"present"},"packages":[],"produced":{}}"#;
        let record = super::Record::parse(record).unwrap();
        let nothing = |_: &RepoPath| None;
        assert_eq!(record.differs(&tree(&["a/x"]), &nothing), None);
        assert_eq!(record.differs(&tree(&["a/y"]), &nothing), Some(&RepoPath::new("a/x")));
        assert_eq!(record.differs(&tree(&["a/x/y"]), &nothing), Some(&RepoPath::new("a/x")));
    }

    #[test]
    fn a_listed_folder_is_touched_by_what_comes_and_goes_in_it() {
        let reads = [("a", "listed 1")];
        assert!(sees(&reads, "a/y", &["a/x"], &["a/x", "a/y"]));
        assert!(sees(&reads, "a/y", &["a/x", "a/y"], &["a/x"]));
        assert!(sees(&reads, "a/b/c/d", &["a/x"], &["a/x", "a/b/c/d"]), "a folder that comes");
        assert!(!sees(&reads, "a/b/d", &["a/b/c"], &["a/b/c", "a/b/d"]), "inside of a folder that stays");
        assert!(!sees(&reads, "a/x", &["a/x"], &["a/x"]), "its contents");
        assert!(sees(&[("", "listed 1")], "new/file", &["a/x"], &["a/x", "new/file"]));
    }

    #[test]
    fn what_was_looked_for_in_vain_is_touched_when_it_comes() {
        assert!(sees(&[("a/opt", "absent")], "a/opt", &["a/x"], &["a/x", "a/opt"]));
        assert!(sees(&[("opt", "absent")], "opt/b/c", &["a"], &["a", "opt/b/c"]));
        assert!(!sees(&[("opt", "absent")], "other/c", &["a"], &["a", "other/c"]));
    }

    #[test]
    fn a_folder_is_touched_when_it_goes() {
        assert!(sees(&[("a/b", "folder")], "a/b/c", &["a/b/c", "a/x"], &["a/x"]));
        assert!(!sees(&[("a/b", "folder")], "a/b/c", &["a/b/c", "a/b/d"], &["a/b/d"]));
    }

    #[test]
    fn what_is_seen_is_read_back() {
        for text in ["100755 ab", "untracked 00", "present", "folder", "listed 11", "absent"] {
            assert_eq!(text.parse::<Seen>().unwrap().to_string(), text);
        }
        assert!("folders".parse::<Seen>().is_err());
        let nothing = |_: &RepoPath| None;
        let tree = tree(&["a/x"]);
        let at = |path: &str, listed| Seen::at(&RepoPath::new(path), listed, &tree, &nothing);
        assert_eq!(at("a/x", false), Seen::Tracked("100644 3".to_owned()));
        assert_eq!(at("a", false), Seen::Folder);
        assert!(matches!(at("a", true), Seen::Listed(_)));
        assert_eq!(at("b", true), Seen::Absent);
    }
}
