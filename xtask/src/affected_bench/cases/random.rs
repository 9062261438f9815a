//! Cases drawn from a seed: which file, which edit, how git comes to know. They need no knowledge of the tree, so they
//! are drawn for any checkout.

use fastrand::Rng;

use super::{Case, Edit, Governs, Place};
use crate::{
    affected::path::RepoPath,
    affected_bench::{
        tree::Node,
        workspace::{FINE, TOO_MUCH},
    },
};

const PLACES: [Place; 5] = [Place::Committed, Place::Committed, Place::Staged, Place::WorkTree, Place::Detached];

/// What cases are drawn from.
pub(in crate::affected_bench) struct Source<'a> {
    /// The tree's files and links.
    pub(in crate::affected_bench) nodes: &'a [(RepoPath, Node)],
    /// Crates of which another version can be locked.
    pub(in crate::affected_bench) supplied: &'a [&'a str],
}

impl Source<'_> {
    /// The case with this number, of this seed.
    pub(in crate::affected_bench) fn draw(&self, seed: u64, number: u64) -> Case {
        let mut rng = Rng::with_seed(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut edits = self.edit(&mut rng);
        if rng.u8(0..5) == 0 {
            let more = self.edit(&mut rng);
            // Two edits of one file might not both be possible.
            if !more.iter().any(|edit| edits.iter().any(|other| touched(edit) == touched(other))) {
                edits.extend(more);
            }
        }
        let place = PLACES[rng.usize(..PLACES.len())];
        Case { name: format!("random/{seed}-{number}"), edits, place, governs: Governs::Nothing }
    }

    fn edit(&self, rng: &mut Rng) -> Vec<Edit> {
        if !self.supplied.is_empty() && rng.u8(0..12) == 0 {
            return vec![Edit::StepBack(self.supplied[rng.usize(..self.supplied.len())].to_owned())];
        }
        let Some((path, node)) = self.nodes.get(rng.usize(..self.nodes.len().max(1))) else { return Vec::new() };
        let edit = match (node, name(path), rng.u8(0..10)) {
            (Node::Link(_), _, 0..5) => self.retargeted(path, rng),
            (_, b"Cargo.lock", _) => Edit::Append(path.clone(), "# A comment.\n".to_owned()),
            (_, _, 9) => beside(path, rng),
            // Without these there is no workspace to plan for.
            (_, b"Cargo.toml" | b"jobs.toml", _) => manifest(path, node, rng),
            (_, _, 8) => Edit::Delete(path.clone()),
            (_, _, 7) => Edit::Rename(path.clone(), RepoPath::new([path.as_bytes(), b".moved"].concat())),
            (Node::File { executable, .. }, _, 6) => Edit::Mode(path.clone(), !executable),
            (Node::Link(_), _, _) => self.retargeted(path, rng),
            (Node::File { .. }, _, _) => content(path, rng),
        };
        vec![edit]
    }

    fn retargeted(&self, path: &RepoPath, rng: &mut Rng) -> Edit {
        let to = self.nodes[rng.usize(..self.nodes.len())].0.as_bytes();
        let up = b"../".repeat(path.as_bytes().iter().filter(|byte| **byte == b'/').count());
        Edit::Put(path.clone(), Node::Link([&up, to].concat()))
    }
}

fn touched(edit: &Edit) -> Option<&RepoPath> {
    match edit {
        Edit::Put(path, _)
        | Edit::Replace(path, ..)
        | Edit::Append(path, _)
        | Edit::Delete(path)
        | Edit::Rename(path, _)
        | Edit::Mode(path, _)
        | Edit::CommitInside(path) => Some(path),
        Edit::StepBack(_) | Edit::Relock => None,
    }
}

fn name(path: &RepoPath) -> &[u8] {
    path.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

/// A new file where others are: a folder may be listed, and a file may be looked for.
fn beside(path: &RepoPath, rng: &mut Rng) -> Edit {
    let folder = &path.as_bytes()[..path.as_bytes().len() - name(path).len()];
    let new: &[u8] = match rng.u8(0..4) {
        0 => b"build.rs",
        1 => b"mod.rs",
        _ => b"added.txt",
    };
    let text = if new.ends_with(b".rs") { "fn main() {}\n" } else { TOO_MUCH };
    Edit::Put(RepoPath::new([folder, new].concat()), Node::File { bytes: text.into(), executable: false })
}

fn manifest(path: &RepoPath, node: &Node, rng: &mut Rng) -> Edit {
    let text = match node {
        Node::File { bytes, .. } => String::from_utf8_lossy(bytes).into_owned(),
        Node::Link(_) => String::new(),
    };
    let of_package = text.contains("[package]\n");
    match rng.u8(0..5) {
        0 if of_package => Edit::Append(path.clone(), "[package.metadata.drawn]\nx = 1\n".to_owned()),
        1 if of_package => {
            let with = format!("[package]\ndescription = \"{}\"\n", rng.u32(..));
            Edit::Replace(path.clone(), "[package]\n".to_owned(), with)
        }
        2 if text.contains("edition = \"2024\"") => {
            Edit::Replace(path.clone(), "edition = \"2024\"".to_owned(), "edition = \"2021\"".to_owned())
        }
        3 if of_package && !text.contains("[features]") => {
            Edit::Append(path.clone(), "[features]\ndrawn = []\n".to_owned())
        }
        4 if text.contains("[workspace]\n") && !text.contains("[profile.dev") => {
            Edit::Append(path.clone(), "[profile.dev]\nopt-level = 1\n".to_owned())
        }
        _ => Edit::Append(path.clone(), "# A comment.\n".to_owned()),
    }
}

fn content(path: &RepoPath, rng: &mut Rng) -> Edit {
    let text = match (path.as_bytes().rsplit(|byte| *byte == b'.').next(), rng.bool()) {
        (Some(b"rs"), true) => "// A comment.\n",
        (Some(b"rs"), false) => "compile_error!(\"drawn\");\n",
        (Some(b"toml"), _) => "# A comment.\n",
        (Some(b"txt"), fine) => {
            let bytes = if fine { FINE } else { TOO_MUCH }.into();
            return Edit::Put(path.clone(), Node::File { bytes, executable: false });
        }
        (Some(b"sh"), false) => "exit 3\n",
        _ => "\n",
    };
    Edit::Append(path.clone(), text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Node, RepoPath, Source};

    #[test]
    fn the_same_seed_and_number_draw_the_same_case() {
        let file = |path: &str| (RepoPath::new(path), Node::File { bytes: Vec::new(), executable: false });
        let nodes = [file("a/src/lib.rs"), file("a/data.txt"), file("Cargo.toml")];
        let source = Source { nodes: &nodes, supplied: &["leaf"] };
        let drawn = |seed| (0..50).map(|number| source.draw(seed, number)).collect::<Vec<_>>();
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        assert!(drawn(1).iter().all(|case| !case.edits.is_empty()));
    }
}
