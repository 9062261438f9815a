//! The cases: what is done to a tree. Listed ones in the files of this folder, by kind; drawn ones in [`random`].
//!
//! An edit is data, not code, so that a case drawn from a seed can be printed and done again.

mod apply;
mod ci;
mod data;
mod history;
mod manifests;
mod names;
mod prose;
pub(super) mod random;
mod settings;
mod sources;

use std::fmt;

pub(super) use apply::apply;

use super::tree::Node;
use crate::affected::path::RepoPath;

/// One thing to do to a tree, and how git comes to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Case {
    /// `kind/what`, unique.
    pub(super) name: String,
    /// What is done, in this order.
    pub(super) edits: Vec<Edit>,
    /// How git comes to know.
    pub(super) place: Place,
    /// Jobs that the edit governs, though no run of their tests could show it.
    pub(super) governs: Governs,
}

/// How an edit becomes part of the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Committed on the branch.
    Committed,
    /// Staged.
    Staged,
    /// In the work tree alone; new files are untracked.
    WorkTree,
    /// Committed, with the head detached.
    Detached,
    /// Committed, and `main` went on: its new commits are no part of the change.
    Behind,
    /// Committed, `main` went on, and was merged.
    Merged,
    /// Committed, in a clone that ends there: the base cannot be known.
    Shallow,
    /// Committed, without any history: the base cannot be known.
    Unrelated,
}

impl Place {
    /// Whether every job is the only safe answer.
    pub(super) fn hides_the_base(self) -> bool {
        matches!(self, Self::Shallow | Self::Unrelated)
    }
}

/// What a file that defines jobs governs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Governs {
    /// Nothing beside what runs can show.
    Nothing,
    /// Every job.
    Everything,
}

/// One edit. Paths are relative to the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Edit {
    /// Writes a file or link, new or in place of another.
    Put(RepoPath, Node),
    /// Replaces the first place where a text stands.
    Replace(RepoPath, String, String),
    /// Adds text at the end of a file.
    Append(RepoPath, String),
    /// Removes a file or link.
    Delete(RepoPath),
    /// Moves a file or folder.
    Rename(RepoPath, RepoPath),
    /// Sets or takes the execute bits.
    Mode(RepoPath, bool),
    /// Locks the older of the two versions of a crate from elsewhere.
    StepBack(String),
    /// Lets cargo fit the lock file to the manifests.
    Relock,
    /// Commits what is in the folder of a submodule, in the submodule.
    CommitInside(RepoPath),
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put(path, Node::Link(target)) => write!(f, "link {path} to {}", RepoPath::new(target.clone())),
            Self::Put(path, Node::File { .. }) => write!(f, "write {path}"),
            Self::Replace(path, from, to) => write!(f, "replace {from:?} by {to:?} in {path}"),
            Self::Append(path, text) => write!(f, "append {text:?} to {path}"),
            Self::Delete(path) => write!(f, "delete {path}"),
            Self::Rename(from, to) => write!(f, "rename {from} to {to}"),
            Self::Mode(path, true) => write!(f, "make {path} executable"),
            Self::Mode(path, false) => write!(f, "make {path} not executable"),
            Self::StepBack(name) => write!(f, "lock the older {name}"),
            Self::Relock => f.write_str("lock again"),
            Self::CommitInside(path) => write!(f, "commit inside {path}"),
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let edits: Vec<String> = self.edits.iter().map(Edit::to_string).collect();
        write!(f, "{}; {:?}", edits.join(", "), self.place)
    }
}

/// Every listed case, in order of kind.
pub(super) fn listed(has_toolchain_file: bool) -> Vec<Case> {
    let mut cases = Vec::new();
    for list in [
        sources::cases(),
        data::cases(),
        manifests::cases(),
        settings::cases(has_toolchain_file),
        ci::cases(),
        names::cases(),
        history::cases(),
        prose::cases(),
    ] {
        cases.extend(list);
    }
    cases
}

/// A committed case.
fn case<const N: usize>(name: &str, edits: [Edit; N]) -> Case {
    Case { name: name.to_owned(), edits: edits.into(), place: Place::Committed, governs: Governs::Nothing }
}

impl Case {
    fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    fn at(self, place: Place) -> Self {
        Self { place, ..self }
    }

    fn governing_everything(self) -> Self {
        Self { governs: Governs::Everything, ..self }
    }
}

fn put(path: impl Into<Vec<u8>>, text: &str) -> Edit {
    Edit::Put(RepoPath::new(path), Node::File { bytes: text.into(), executable: false })
}

fn link(path: &str, target: &str) -> Edit {
    Edit::Put(path.into(), Node::Link(target.into()))
}

fn replace(path: &str, from: &str, to: &str) -> Edit {
    Edit::Replace(path.into(), from.to_owned(), to.to_owned())
}

fn append(path: &str, text: &str) -> Edit {
    Edit::Append(path.into(), text.to_owned())
}

fn delete(path: &str) -> Edit {
    Edit::Delete(path.into())
}

fn rename(from: &str, to: &str) -> Edit {
    Edit::Rename(from.into(), to.into())
}

fn step_back(name: &str) -> Edit {
    Edit::StepBack(name.to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::listed;

    #[test]
    fn there_are_ninety_cases_and_each_has_a_name_of_its_own() {
        let cases = listed(true);
        let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names.len(), cases.len());
        assert!(names.len() >= 90, "{}", names.len());
    }
}
