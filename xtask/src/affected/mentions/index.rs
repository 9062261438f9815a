//! Where the texts of all sources may lead, so that a changed path finds who names it.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::OnceLock,
};

use super::scan::Said;
use crate::affected::{
    graph::{PackageIndex, Reach, Workspace},
    path::RepoPath,
};

/// A source and what it does with a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mention {
    /// The source file.
    pub source: RepoPath,
    /// Its package, and how far it reaches there.
    pub origin: (PackageIndex, Reach),
    /// Whether it names the path; else it climbs and may read anything.
    pub names: bool,
}

/// Who names what. Most changes ask for a few paths, so that nothing is put in order before it is asked for.
#[derive(Clone, Debug, Default)]
pub struct Index {
    sources: Vec<Source>,
    /// Sources that climb.
    climbing: BTreeSet<usize>,
    ways: OnceLock<Ways>,
    words: OnceLock<Words>,
}

#[derive(Clone, Debug)]
struct Source {
    path: RepoPath,
    origin: (PackageIndex, Reach),
    /// The folder of its package.
    package: RepoPath,
    is_build_script: bool,
    said: Said,
}

/// Where the texts may lead.
#[derive(Clone, Debug, Default)]
struct Ways {
    /// By the last part of each text.
    down: HashMap<Vec<u8>, Vec<Text>>,
    /// Of texts with `..`, whose end may be missing: every path that begins so. The places in `sources`.
    begun: BTreeMap<Vec<u8>, BTreeSet<usize>>,
}

/// A text that leads down from a folder.
#[derive(Clone, Debug)]
struct Text {
    /// The place in `sources`.
    at: usize,
    /// Without parts that mean nothing.
    path: RepoPath,
    /// Whether all below is meant as well. Of single names it is not: any word can be the name of a folder.
    whole: bool,
}

/// What is said in parts, to tell what only tests can name.
#[derive(Clone, Debug, Default)]
struct Words {
    /// The parts of all texts in sources that are built for others, and the packages of those whose build script may see
    /// every file of its package.
    built: HashSet<String>,
    open: BTreeSet<PackageIndex>,
    /// The parts of texts in a package's own tests.
    tested: BTreeMap<PackageIndex, HashSet<String>>,
}

impl Index {
    /// Puts together what the sources say; those of no package are left out.
    pub fn new(workspace: &Workspace, said: impl IntoIterator<Item = (RepoPath, Said)>) -> Self {
        let mut index = Self::default();
        for (path, said) in said {
            let Some((package, reach)) = workspace.owner(&path) else { continue };
            let Some(folder) = &workspace.packages[package].directory else { continue };
            let inside = path.below(folder).unwrap_or_default();
            let is_build_script = workspace.packages[package].build_script.as_deref() == Some(inside);
            let runs_there = reach == Reach::OwnTests || is_build_script;
            if said.climbs || (said.dots && runs_there) {
                index.climbing.insert(index.sources.len());
            }
            let folder = RepoPath::new(folder.clone());
            index.sources.push(Source { path, origin: (package, reach), package: folder, is_build_script, said });
        }
        index
    }

    /// Whether a file is for the tests of its package alone: they name it, or a folder it is in, and no source that is
    /// built for others says any part of its path. `inside` is its path in the package.
    #[must_use]
    pub fn is_for_tests(&self, package: PackageIndex, inside: &[u8]) -> bool {
        let Ok(inside) = std::str::from_utf8(inside) else { return false };
        if inside.ends_with(".rs") || inside.starts_with("src/") {
            return false;
        }
        let words = self.words.get_or_init(|| Words::of(&self.sources));
        let named = |words: &HashSet<String>| inside.split('/').any(|part| words.contains(part));
        !words.open.contains(&package) && words.tested.get(&package).is_some_and(named) && !named(&words.built)
    }

    /// Who names `path`, or may read it by climbing out of its own package. A source says nothing of itself.
    #[must_use]
    pub fn of(&self, path: &RepoPath) -> BTreeSet<Mention> {
        let ways = self.ways.get_or_init(|| Ways::of(&self.sources));
        let bytes = path.as_bytes();
        let mut found: BTreeMap<usize, bool> = self.climbing.iter().map(|at| (*at, false)).collect();
        let parts: BTreeSet<&[u8]> = bytes.split(|byte| *byte == b'/').collect();
        for text in parts.into_iter().filter_map(|part| ways.down.get(part)).flatten() {
            if text.means(path, &self.sources[text.at]) {
                found.insert(text.at, true);
            }
        }
        for end in 0..=bytes.len() {
            for at in ways.begun.get(&bytes[..end]).into_iter().flatten() {
                found.insert(*at, true);
            }
        }
        let mentions = found.into_iter().filter_map(|(at, names)| {
            let Source { path: source, origin, package, .. } = self.sources.get(at)?;
            let told = source != path && (names || path.below(package.as_bytes()).is_none());
            told.then(|| Mention { source: source.clone(), origin: *origin, names })
        });
        mentions.collect()
    }
}

impl Source {
    /// A text may be meant from the source's folder (`include_str!`), from its package's (tests run there, and
    /// `CARGO_MANIFEST_DIR` is put before it) or from the workspace's (compilers run there, and macros with them).
    fn places(&self) -> [&[u8]; 3] {
        let bytes = self.path.as_bytes();
        let beside = bytes.iter().rposition(|byte| *byte == b'/').map_or(&b""[..], |slash| &bytes[..slash]);
        [beside, self.package.as_bytes(), b""]
    }
}

impl Ways {
    fn of(sources: &[Source]) -> Self {
        let mut ways = Self::default();
        for (at, source) in sources.iter().enumerate() {
            for text in source.said.texts.iter() {
                ways.add(at, source, text);
            }
        }
        ways
    }

    fn add(&mut self, at: usize, source: &Source, text: &str) {
        // Bytes and single letters: that is most of what a plan costs.
        let instruction = text.contains('=').then(|| text.rsplit_once("rerun-if-changed=")).flatten();
        let text = instruction.map_or(text, |(_, path)| path);
        let (text, cut) = before_patterns(text.trim_start_matches('/'));
        let parts = || text.as_bytes().split(|byte| *byte == b'/');
        if parts().any(|part| part == b"..") {
            for target in source.places().into_iter().filter_map(|from| joined(from, text)) {
                self.begun.entry(target.as_bytes().to_vec()).or_default().insert(at);
            }
        } else {
            let bare = parts().all(|part| !matches!(part, b"" | b"."));
            let path = if bare { Some(RepoPath::new(text)) } else { joined(b"", text) };
            let Some(path) = path else { return };
            let text = Text { at, whole: text.contains('/') || cut, path };
            let name = text.path.name_and_folder().0;
            match self.down.get_mut(name) {
                Some(texts) => texts.push(text),
                None => drop(self.down.insert(name.to_vec(), vec![text])),
            }
        }
    }
}

impl Text {
    fn means(&self, path: &RepoPath, source: &Source) -> bool {
        let meant = self.path.as_bytes();
        source.places().into_iter().any(|from| {
            // A folder above the package is no text's meaning: nobody reads all of it by naming nothing.
            let own = from.is_empty() && (source.package == self.path || source.package.below(meant).is_some());
            let rest = path.below(from).and_then(|inside| inside.strip_prefix(meant)).filter(|_| !own);
            rest.is_some_and(|rest| rest.is_empty() || (self.whole && rest.starts_with(b"/")))
        })
    }
}

impl Words {
    fn of(sources: &[Source]) -> Self {
        let mut words = Self::default();
        for Source { origin: (package, reach), is_build_script, said, .. } in sources {
            let parts = said.texts.iter().flat_map(|text| text.split(['/', '=']));
            let parts = parts.filter(|part| !part.is_empty()).map(str::to_owned);
            match reach {
                Reach::OwnTests => words.tested.entry(*package).or_default().extend(parts),
                Reach::Dependents => words.built.extend(parts),
            }
            // Cargo runs it again for every file of the package, unless it says for which.
            let says_when = || said.texts.iter().any(|text| text.contains("rerun-if"));
            if (*is_build_script && !says_when()) || (*reach == Reach::Dependents && said.climbs) {
                words.open.insert(*package);
            }
        }
        words
    }
}

/// The text up to the first part that is a pattern or is filled in, and whether something was cut off.
fn before_patterns(text: &str) -> (&str, bool) {
    match text.bytes().position(|byte| matches!(byte, b'*' | b'?' | b'{' | b'[' | b'$')) {
        None => (text, false),
        Some(at) => (text[..at].rsplit_once('/').map_or("", |(folder, _)| folder), true),
    }
}

/// `text` seen from a folder; `None` where it leaves the tree or is too bare to be a path.
fn joined(from: &[u8], text: &str) -> Option<RepoPath> {
    if text.is_empty() || text.chars().all(|letter| letter == '.' || letter == '/') && !text.contains("..") {
        return None;
    }
    // `follow` takes the folder of a link, and this is as if one lay in it.
    let link = if from.is_empty() { b"link".to_vec() } else { [from, b"/link"].concat() };
    RepoPath::new(link).follow(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Index, Reach, RepoPath, Workspace};
    use crate::affected::{graph::Package, mentions::scan::scan};

    fn workspace() -> Workspace {
        let package = |name: &str, directory: &str| Package {
            name: name.to_owned(),
            directory: Some(directory.into()),
            member: true,
            test_only: vec!["tests".to_owned()],
            build_script: Some(b"build.rs".to_vec()),
            ..Package::default()
        };
        Workspace::new(vec![package("a", "drivers/a"), package("b", "drivers/b")])
    }

    /// Who names the path, where one source of package a says `text`.
    fn names(source: &str, text: &str, path: &str) -> Option<(Reach, bool)> {
        let source = RepoPath::new(format!("drivers/a/{source}"));
        let said = BTreeMap::from([(source, scan(text.as_bytes()))]);
        let index = Index::new(&workspace(), said);
        index.of(&RepoPath::new(path)).into_iter().next().map(|mention| (mention.origin.1, mention.names))
    }

    #[test]
    fn a_text_is_tried_from_the_file_the_package_and_the_workspace() {
        let named = Some((Reach::Dependents, true));
        assert_eq!(names("src/x/y.rs", "include_str!(\"../../../b/data\")", "drivers/b/data"), named);
        assert_eq!(names("src/lib.rs", "concat!(env!(\"X\"), \"/../b/data\", \"/x\")", "drivers/b/data/x"), named);
        assert_eq!(names("src/lib.rs", "load!(\"data/table\")", "data/table"), named);
        assert_eq!(names("src/lib.rs", "load!(\"LICENSE\")", "LICENSE"), named);
        assert_eq!(names("src/lib.rs", "include!(\"../tests/x\")", "drivers/a/tests/x"), named);
        assert_eq!(names("tests/it.rs", "f(\"../b/fix\")", "drivers/b/fixture"), Some((Reach::OwnTests, true)));
        assert_eq!(names("src/lib.rs", "f(\"../b/data\")", "drivers/b/other"), None);
        assert_eq!(names("src/lib.rs", "f(\"data/table\")", "data/tables"), None);
    }

    #[test]
    fn what_is_filled_in_later_means_the_folder_before_it() {
        let named = Some((Reach::OwnTests, true));
        assert_eq!(names("tests/it.rs", "format!(\"../b/data/{name}.txt\")", "drivers/b/data/x"), named);
        assert_eq!(names("tests/it.rs", "glob(\"../b/*.txt\")", "drivers/b/x.txt"), named);
        assert_eq!(names("tests/it.rs", "format!(\"{name}.txt\")", "x.txt"), None);
        assert_eq!(
            names("build.rs", "f(\"cargo::rerun-if-changed=../b/x\")", "drivers/b/x").map(|way| way.1),
            Some(true)
        );
    }

    #[test]
    fn a_file_that_only_tests_name_is_theirs() {
        let index = |lib: &str, build: &str| {
            let said = [
                ("drivers/a/tests/it.rs", "f(\"fixtures/list\", \"optional.txt\")"),
                ("drivers/a/src/lib.rs", lib),
                ("drivers/a/build.rs", build),
            ];
            let said: BTreeMap<_, _> = said.map(|(path, text)| (RepoPath::new(path), scan(text.as_bytes()))).into();
            Index::new(&workspace(), said)
        };
        let says_when = "f(\"cargo::rerun-if-changed=x\")";
        let quiet = index("f(\"other\")", says_when);
        assert!(quiet.is_for_tests(0, b"fixtures/list/a") && quiet.is_for_tests(0, b"optional.txt"));
        assert!(!quiet.is_for_tests(0, b"templates/a") && !quiet.is_for_tests(1, b"fixtures/list/a"));
        assert!(!quiet.is_for_tests(0, b"fixtures/list/a.rs") && !quiet.is_for_tests(0, b"src/fixtures/a"));
        assert!(
            !index("f(\"data/fixtures\")", says_when).is_for_tests(0, b"fixtures/list/a"),
            "the library may read it"
        );
        assert!(!index("f()", "f(\"x\")").is_for_tests(0, b"fixtures/list/a"), "the build script sees every file");
    }

    #[test]
    fn folders_above_are_meant_by_climbing_alone() {
        assert_eq!(names("tests/it.rs", "f(\"../..\")", "anything"), Some((Reach::OwnTests, true)));
        assert_eq!(names("tests/it.rs", "p.join(\"..\")", "anything"), Some((Reach::OwnTests, false)));
        assert_eq!(names("build.rs", "p.join(\"..\")", "anything"), Some((Reach::Dependents, false)));
        // A step less, and it is the workspace: package a lies two folders deep, this source three.
        assert_eq!(names("src/lib.rs", "\"../\".repeat(3)", "drivers/b/x"), Some((Reach::Dependents, true)));
        assert_eq!(names("src/lib.rs", "\"../\".repeat(4)", "drivers/b/x"), None, "that is above the workspace");
        for text in ["..", "/", ".", "drivers", "./", "{x}", "b", "drivers/"] {
            assert_eq!(names("src/lib.rs", &format!("f(\"{text}\")"), "drivers/b/x"), None, "{text}");
        }
    }
}
