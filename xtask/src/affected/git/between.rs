//! What differs between two ends of a change. As much as possible is asked of git at once.

use std::{collections::BTreeSet, os::unix::ffi::OsStrExt, path::Path, thread::JoinHandle};

use anyhow::{Context, Result};

use super::{
    Git, Listing,
    ends::{Ends, Stop},
    is_manifest, shell_in,
};
use crate::affected::{
    changes::{Base, Changes, Found, SymLink, parse_raw},
    path::RepoPath,
    tree::Tree,
};

/// A question for what changed, while git is at work on it.
pub struct Question {
    /// The work tree.
    pub git: Git,
    base: Option<String>,
    head: Option<String>,
    /// Where it took no more than to open the work tree.
    ends: Option<Ends>,
    /// Without a head, what lies in the work tree.
    listing: Option<JoinHandle<Result<Listing>>>,
}

impl Question {
    /// Asks what differs, around `directory`, between the merge-base of `base` and `head`, and `head`: without one, the
    /// work tree (staged, unstaged and untracked files).
    ///
    /// # Errors
    /// There is no work tree, or git is missing or refuses; git's own words are kept.
    pub fn ask(directory: &Path, base: Option<&str>, head: Option<&str>) -> Result<Self> {
        let shell = shell_in(directory)?;
        let listing = head.is_none().then(|| std::thread::spawn(move || Listing::read(&shell)));
        let (git, merge_bases) = Git::open_with(directory, base.filter(|_| head.is_none()))?;
        let ends = base.and_then(|base| Ends::new(merge_bases, base, "HEAD"));
        Ok(Self { git, base: base.map(str::to_owned), head: head.map(str::to_owned), ends, listing })
    }

    /// What changed, with paths relative to the work tree's root, and what lies there: the index, or the tree of the head.
    ///
    /// # Errors
    /// A revision that does not exist, or git failed in a way that tells nothing about the change.
    pub fn answer(self) -> Result<(Changes, Listing)> {
        let Self { git, base, head, ends, listing } = self;
        let to = head.clone().unwrap_or_else(|| "HEAD, with the work tree".to_owned());
        let staged = match ends {
            Some(ends) => Ok(ends),
            None => git.ends(base.as_deref(), head.as_deref()),
        };
        let staged = staged.and_then(|ends| Ok((git.committed(&ends)?, ends)));
        let mut listing = match listing {
            Some(listing) => listing.join().expect("listing files does not panic")?,
            None => Listing::default(),
        };
        let (compared, found, bases) = match staged {
            Ok((paths, ends)) => {
                let (found, bases) = git.with_work_tree(paths, &ends, &mut listing)?;
                (format!("{} to {to}", ends.compared), found, bases)
            }
            Err(Stop::Unknown { reason, mend }) => {
                (format!("unknown base to {to}"), Found::Unknown { reason, mend }, Vec::new())
            }
            Err(Stop::Failed(error)) => return Err(error),
        };
        Ok((Changes { compared, found, bases }, listing))
    }
}

impl Git {
    /// What differs from any of the bases in the head, or else in the index: what is staged and was then undone in the
    /// work tree is still going to be committed.
    fn committed(&self, ends: &Ends) -> Result<BTreeSet<RepoPath>> {
        let mut paths = BTreeSet::new();
        for from in &ends.merge_bases {
            paths.extend(parse_raw(&match &ends.tip {
                Some(tip) => self.run(&["diff-tree", "-r", "-z", "--raw", "--no-renames", from, tip])?,
                None => self.run(&["diff-index", "--cached", "-z", "--raw", "--no-renames", from])?,
            })?);
        }
        Ok(paths)
    }

    /// All that changed, and what it was compared with.
    ///
    /// What differs on disk from a commit differs from the index, or the index from the commit.
    fn with_work_tree(
        &self,
        mut paths: BTreeSet<RepoPath>,
        ends: &Ends,
        listing: &mut Listing,
    ) -> Result<(Found, Vec<Base>)> {
        let mut bases: Vec<Base> = ends.merge_bases.iter().cloned().map(Base::Commit).collect();
        // Staged in a form that neither a base nor the work tree has.
        if listing.unstaged.iter().any(|path| is_manifest(path) && paths.contains(path)) {
            bases.push(Base::Index);
        }
        paths.extend(listing.unstaged.iter().chain(&listing.untracked).cloned());
        if let Some(tip) = &ends.tip {
            listing.index = self.tree(&Base::Commit(tip.clone()))?;
        }
        let links = match &ends.tip {
            _ if paths.is_empty() => Vec::new(),
            Some(_) => self.links_of(&listing.index)?,
            None => self.links_on_disk(&listing.index),
        };
        Ok((Found::Paths { paths, links }, bases))
    }

    /// The links of the work tree, as they are on disk.
    fn links_on_disk(&self, index: &Tree) -> Vec<SymLink> {
        let texts = index.links().filter_map(|(at, _)| {
            // No longer a link, and then it is among the changed paths itself.
            let text = std::fs::read_link(self.top.join(at.to_path_buf())).ok()?;
            Some(SymLink { at: at.clone(), target: at.follow(text.as_os_str().as_bytes())? })
        });
        texts.collect()
    }

    fn links_of(&self, tree: &Tree) -> Result<Vec<SymLink>> {
        let ids: Vec<&str> = tree.links().map(|(_, entry)| entry.id.as_str()).collect();
        let mut links = Vec::new();
        for ((at, _), text) in tree.links().zip(self.blobs(&ids)?) {
            let target = at.follow(&text.with_context(|| format!("git does not have the link {at}"))?);
            links.extend(target.map(|target| SymLink { at: at.clone(), target }));
        }
        Ok(links)
    }
}
