//! What lies in the work tree, tracked or not, and which of it is not as it was staged: one question to git.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use xshell::Shell;

use super::{Git, ON_DISK, run};
use crate::affected::{changes::parse_raw, path::RepoPath, tree::Tree};

/// Everything, with a letter before each that tells what it is, from whatever folder git is started in. Without the
/// letters a file could have the name of an entry.
const ALL: [&str; 11] = [
    "ls-files",
    "-t",
    "-z",
    "--stage",
    "--others",
    "--modified",
    "--deleted",
    "--exclude-standard",
    "--full-name",
    "--",
    ":/",
];

/// What lies in the work tree, tracked or not, without what is ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// What is staged.
    pub index: Tree,
    /// What is tracked and not as it was staged: changed, retyped, gone, or in conflict.
    pub unstaged: BTreeSet<RepoPath>,
    /// What is neither tracked nor ignored.
    pub untracked: BTreeSet<RepoPath>,
}

impl Listing {
    /// Reads it for the work tree around a shell's folder.
    ///
    /// # Errors
    /// Git failed.
    pub(super) fn read(shell: &Shell) -> Result<Self> {
        let mut listing = parse(&run(shell, &ALL, 0)?)?;
        // Of a submodule, the listing tells which commit is checked out, and not what is changed in there.
        if listing.index.has_submodules() {
            listing.unstaged.extend(parse_raw(&run(shell, &ON_DISK, 0)?)?);
        }
        Ok(listing)
    }
}

impl Git {
    /// What lies in the work tree.
    ///
    /// # Errors
    /// Git failed.
    pub fn listing(&self) -> Result<Listing> {
        Listing::read(&self.shell)
    }
}

/// Reads what git says to [`ALL`].
fn parse(output: &[u8]) -> Result<Listing> {
    let (mut listing, mut index) = (Listing::default(), Vec::new());
    for record in output.split(|byte| *byte == 0).filter(|record| !record.is_empty()) {
        let (letter, said) = record.split_at_checked(2).context("git printed an entry without a letter")?;
        let path = || {
            let tab = said.iter().position(|byte| *byte == b'\t').context("git printed an entry without a path")?;
            anyhow::Ok(RepoPath::new(&said[tab + 1..]))
        };
        match letter {
            b"? " => drop(listing.untracked.insert(RepoPath::new(said))),
            b"C " | b"R " => drop(listing.unstaged.insert(path()?)),
            // Staged; the same where the user keeps it from the disk; and one side of a conflict.
            b"H " | b"S " => index.push(said),
            b"M " => {
                index.push(said);
                listing.unstaged.insert(path()?);
            }
            _ => bail!("git printed an entry of unknown form: {}", String::from_utf8_lossy(record)),
        }
    }
    listing.index = Tree::from_entries(index)?;
    Ok(listing)
}

#[cfg(test)]
mod tests {
    use super::{RepoPath, parse};

    #[test]
    fn letters_tell_names_from_entries() {
        let output =
            b"? H 100644 12 0\tx\0H 100644 ab 0\ta\0C 100644 ab 0\ta\0H 100755 cd 0\tb\nc\0R 100755 cd 0\tb\nc\0H 120000 ef 0\td\0";
        let listing = parse(output).unwrap();
        assert_eq!(listing.untracked, [RepoPath::new("H 100644 12 0\tx")].into());
        assert_eq!(listing.unstaged, [RepoPath::new("a"), RepoPath::new("b\nc")].into());
        assert_eq!(listing.index.iter().count(), 3);
    }

    #[test]
    fn a_path_in_conflict_is_not_as_it_was_staged() {
        let listing = parse(b"M 100644 ab 2\ta\0M 100644 cd 3\ta\0").unwrap();
        assert_eq!((listing.unstaged, listing.index.iter().count()), ([RepoPath::new("a")].into(), 1));
    }

    #[test]
    fn another_form_is_refused() {
        for output in [&b"X 100644 ab 0\ta"[..], b"H", b"H 100644 ab 0 a", b"C a", b"H 100644 ab x\ta"] {
            assert!(parse(output).is_err(), "{output:?}");
        }
    }
}
