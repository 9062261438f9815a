//! What changed: the paths, as git plumbing tells them, or the reason why that cannot be known.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};

use super::path::RepoPath;

/// The change that a plan is made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// What was compared, for people: `3f2a1bc (merge-base of origin/main and HEAD) .. work tree`.
    pub compared: String,
    /// The paths that differ, or why they cannot be known.
    pub found: Found,
    /// The trees that it was compared with, for whoever compares more than paths.
    pub bases: Vec<Base>,
}

/// A tree that git has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// A commit, by its full id.
    Commit(String),
    /// What is staged, where it is neither what a commit nor what the work tree has.
    Index,
}

/// The outcome of looking for changed paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// All of them.
    Paths {
        /// Added, deleted, modified, retyped or with another mode; both sides of a rename.
        paths: BTreeSet<RepoPath>,
        /// The symbolic links of the tree: what their target changes, they change.
        links: Vec<SymLink>,
    },
    /// Git has no common commit to compare with, so nothing can be left out.
    Unknown {
        /// Why, in a few words.
        reason: String,
        /// The command that would mend it.
        mend: String,
    },
}

/// A tracked symbolic link that leads to another place in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymLink {
    /// The link itself.
    pub at: RepoPath,
    /// Where its text leads.
    pub target: RepoPath,
}

/// Reads the paths from the output of `git diff-tree|diff-index|diff --raw -z --no-renames`.
///
/// # Errors
/// The output is not of that form; guessing would lose a path.
pub fn parse_raw(output: &[u8]) -> Result<Vec<RepoPath>> {
    let mut paths = Vec::new();
    let mut fields = output.split(|byte| *byte == 0);
    while let Some(header) = fields.next() {
        if header.is_empty() {
            ensure!(fields.next().is_none(), "git printed a record without a header");
            break;
        }
        // `:100644 100755 <id> <id> M`: the letter is not looked at, since every kind of difference counts.
        if !header.starts_with(b":") || header.split(|byte| *byte == b' ').count() != 5 {
            bail!("git printed a record of unknown form: {}", String::from_utf8_lossy(header));
        }
        let path = fields.next().filter(|path| !path.is_empty()).context("git printed a record without a path")?;
        paths.push(RepoPath::new(path));
    }
    Ok(paths)
}

/// Reads a list of NUL-terminated paths, as `git ls-files -z` prints them.
#[must_use]
pub fn parse_list(output: &[u8]) -> Vec<RepoPath> {
    output.split(|byte| *byte == 0).filter(|path| !path.is_empty()).map(RepoPath::new).collect()
}

#[cfg(test)]
mod tests {
    use super::{RepoPath, parse_list, parse_raw};

    #[test]
    fn hostile_names_survive() {
        let raw = b":100644 100644 1 2 M\0a\nb\0:000000 120000 0 3 A\0:100644 x y\xff\0";
        assert_eq!(parse_raw(raw).unwrap(), [RepoPath::new("a\nb"), RepoPath::new(*b":100644 x y\xff")]);
        assert_eq!(parse_list(b"a\nb\0 c\0"), [RepoPath::new("a\nb"), RepoPath::new(" c")]);
    }

    #[test]
    fn nothing_is_no_path() {
        assert_eq!(parse_raw(b"").unwrap(), []);
        assert_eq!(parse_list(b""), []);
    }

    #[test]
    fn what_cannot_be_read_is_an_error_not_a_shorter_list() {
        for raw in [&b"M\0a\0"[..], b":100644 100644 1 2 M\0", b":100644 100644 1 2 M", b"\0a\0"] {
            assert!(parse_raw(raw).is_err(), "{raw:?}");
        }
    }
}
