//! All paths of a tree with what git says of each: what a path holds is told by its mode and object id.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};

use super::path::RepoPath;

/// The mode of a symbolic link.
const LINK: &str = "120000";
/// The mode of a submodule.
const SUBMODULE: &str = "160000";

/// A tree: every file, link and submodule of a commit, of the index or of a work tree. Folders are in it by what they
/// hold, as for git.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<RepoPath, Entry>);

/// What a path is: two paths with the same entry are read alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `100644`, `100755` (executable), `120000` (link) or `160000` (submodule).
    pub mode: String,
    /// The object id, in hexadecimal digits.
    pub id: String,
}

impl Tree {
    /// Reads `git ls-tree -r -z --full-tree` or `git ls-files --stage -z --full-name`.
    ///
    /// Of a path in conflict one side is taken: git names such a path among those that differ.
    ///
    /// # Errors
    /// It is not of that form.
    pub fn parse(listing: &[u8]) -> Result<Self> {
        Self::from_entries(listing.split(|byte| *byte == 0).filter(|record| !record.is_empty()))
    }

    /// The same of single entries.
    ///
    /// # Errors
    /// One is not of that form.
    pub fn from_entries<'e>(listing: impl IntoIterator<Item = &'e [u8]>) -> Result<Self> {
        let mut entries = BTreeMap::new();
        for record in listing {
            let tab = record.iter().position(|byte| *byte == b'\t').context("git printed an entry without a path")?;
            let (head, path) = (std::str::from_utf8(&record[..tab])?, RepoPath::new(&record[tab + 1..]));
            // `100644 blob <id>` (ls-tree) or `100644 <id> 0` (ls-files), where the last is the side of a merge.
            let (mode, id) = match head.split(' ').collect::<Vec<_>>().as_slice() {
                [mode, "blob" | "commit", id] | [mode, id, "0" | "1" | "2" | "3"] => {
                    ((*mode).to_owned(), (*id).to_owned())
                }
                _ => bail!("git printed an entry of unknown form: {head}"),
            };
            entries.insert(path, Entry { mode, id });
        }
        Ok(Self(entries))
    }

    /// The file, link or submodule at `path`.
    #[must_use]
    pub fn get(&self, path: &RepoPath) -> Option<&Entry> {
        self.0.get(path)
    }

    /// Whether something is below `path`.
    #[must_use]
    pub fn is_folder(&self, path: &RepoPath) -> bool {
        self.below(path).next().is_some()
    }

    /// Whether `path` is there, as whatever.
    #[must_use]
    pub fn has(&self, path: &RepoPath) -> bool {
        self.0.contains_key(path) || self.is_folder(path)
    }

    /// What is below a folder, at any depth; "" is the top.
    pub fn below<'t>(&'t self, folder: &RepoPath) -> impl Iterator<Item = (&'t RepoPath, &'t Entry)> + use<'t> {
        let folder = folder.clone();
        self.0.range(folder.inside()..).take_while(move |(path, _)| path.below(folder.as_bytes()).is_some())
    }

    /// The names in a folder; those of folders end in `/`.
    #[must_use]
    pub fn names(&self, folder: &RepoPath) -> BTreeSet<Vec<u8>> {
        let inside = self.below(folder).filter_map(|(path, _)| path.below(folder.as_bytes()));
        inside
            .map(|inside| match inside.iter().position(|byte| *byte == b'/') {
                Some(slash) => inside[..=slash].to_vec(),
                None => inside.to_vec(),
            })
            .collect()
    }

    /// The submodule at or above `path`.
    #[must_use]
    pub fn submodule(&self, path: &RepoPath) -> Option<(RepoPath, &Entry)> {
        let mut at = Some(path.clone());
        while let Some(path) = at {
            if let Some(entry) = self.0.get(&path).filter(|entry| entry.mode == SUBMODULE) {
                return Some((path, entry));
            }
            at = path.parent();
        }
        None
    }

    /// Whether other repositories lie in it.
    #[must_use]
    pub fn has_submodules(&self) -> bool {
        self.0.values().any(|entry| entry.mode == SUBMODULE)
    }

    /// The symbolic links.
    pub fn links(&self) -> impl Iterator<Item = (&RepoPath, &Entry)> {
        self.0.iter().filter(|(_, entry)| entry.mode == LINK)
    }

    /// All of it, in the order of the paths' bytes.
    pub fn iter(&self) -> impl Iterator<Item = (&RepoPath, &Entry)> {
        self.0.iter()
    }

    /// Puts an entry in place of what is at `path`, or takes it away.
    pub fn set(&mut self, path: RepoPath, entry: Option<Entry>) {
        match entry {
            Some(entry) => drop(self.0.insert(path, entry)),
            None => drop(self.0.remove(&path)),
        }
    }

    /// The same tree with its paths turned, as seen from another folder.
    #[must_use]
    pub fn turned(self, turn: impl Fn(&RepoPath) -> RepoPath) -> Self {
        Self(self.0.into_iter().map(|(path, entry)| (turn(&path), entry)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{RepoPath, Tree};

    fn tree() -> Tree {
        let listing = b"100644 blob a1\ta/x\x00100755 blob b2\ta/y/z\x00120000 blob c3\ta.b\x00160000 commit d4\tsub\0";
        Tree::parse(listing).unwrap()
    }

    #[test]
    fn folders_are_known_by_what_they_hold() {
        let tree = tree();
        assert!(tree.is_folder(&RepoPath::new("a")) && !tree.is_folder(&RepoPath::new("a/x")));
        assert!(tree.has(&RepoPath::new("a/y")) && tree.has(&RepoPath::new("a.b")) && !tree.has(&RepoPath::new("b")));
        let names: Vec<Vec<u8>> = tree.names(&RepoPath::new("a")).into_iter().collect();
        assert_eq!(names, [b"x".to_vec(), b"y/".to_vec()]);
        assert_eq!(tree.names(&RepoPath::new("")).len(), 3);
    }

    #[test]
    fn what_lies_in_a_submodule_is_the_submodule_s() {
        let (at, entry) = tree().submodule(&RepoPath::new("sub/dir/file")).map(|(at, e)| (at, e.clone())).unwrap();
        assert_eq!((at, entry.id.as_str()), (RepoPath::new("sub"), "d4"));
        assert!(tree().submodule(&RepoPath::new("a/x")).is_none());
    }

    #[test]
    fn a_merge_that_is_not_done_has_one_entry_a_path_and_another_form_is_refused() {
        assert_eq!(Tree::parse(b"100644 abc 1\tx\x00100644 def 2\tx\0").unwrap().iter().count(), 1);
        assert!(Tree::parse(b"100644 tag abc\tx\0").is_err() && Tree::parse(b"100644 abc 0 x\0").is_err());
    }
}
