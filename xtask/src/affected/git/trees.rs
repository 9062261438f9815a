//! Whole trees, with the object id of everything in them, also of what was never committed.

use std::{
    collections::BTreeSet,
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
};

use anyhow::{Context, Result, bail};
use xshell::cmd;

use super::{Git, Listing, stderr};
use crate::affected::{
    changes::Base,
    path::RepoPath,
    tree::{Entry, Tree},
};

impl Git {
    /// The commit that is checked out.
    ///
    /// # Errors
    /// There is none yet, or git failed.
    pub fn head(&self) -> Result<String> {
        let id = self.run(&["rev-parse", "--verify", "HEAD"])?;
        Ok(String::from_utf8(id)?.trim().to_owned())
    }

    /// The tree of a commit, or what is staged.
    ///
    /// # Errors
    /// Git failed.
    pub fn tree(&self, base: &Base) -> Result<Tree> {
        Tree::parse(&match base {
            Base::Commit(id) => self.run(&["ls-tree", "-r", "-z", "--full-tree", id])?,
            Base::Index => self.run(&["ls-files", "--stage", "-z", "--full-name"])?,
        })
    }

    /// The work tree: what is tracked as it is on disk, and what is neither tracked nor ignored.
    ///
    /// # Errors
    /// Git failed, a file cannot be read.
    pub fn work_tree(&self) -> Result<Tree> {
        let Listing { index, unstaged: mut changed, untracked } = self.listing()?;
        changed.extend(untracked);
        self.laid_over(index, &changed)
    }

    /// `tree`, where these paths are as they are on disk.
    ///
    /// # Errors
    /// Git failed, or a file cannot be read.
    pub fn laid_over(&self, mut tree: Tree, paths: &BTreeSet<RepoPath>) -> Result<Tree> {
        let mut files = Vec::new();
        for path in paths {
            let on_disk = self.top.join(path.to_path_buf());
            let metadata = match std::fs::symlink_metadata(&on_disk) {
                Ok(metadata) => metadata,
                Err(_absent) => {
                    tree.set(path.clone(), None);
                    continue;
                }
            };
            if metadata.is_symlink() {
                let text = std::fs::read_link(&on_disk).with_context(|| format!("cannot read the link {path}"))?;
                let id = self.object_ids(&["--stdin"], text.as_os_str().as_bytes())?;
                tree.set(path.clone(), Some(Entry { mode: "120000".to_owned(), id: id.trim().to_owned() }));
            } else if metadata.is_dir() {
                // A submodule with changes inside: it is like nothing else.
                tree.set(path.clone(), Some(Entry { mode: "160000".to_owned(), id: "changed".to_owned() }));
            } else {
                let mode = if metadata.permissions().mode() & 0o111 == 0 { "100644" } else { "100755" };
                files.push((path.clone(), mode.to_owned()));
            }
        }
        let ids = self.ids_of_files(files.iter().map(|(path, _)| path))?;
        for ((path, mode), id) in files.into_iter().zip(ids) {
            tree.set(path, Some(Entry { mode, id }));
        }
        Ok(tree)
    }

    /// The object id that each file would have, in the same order.
    fn ids_of_files<'p>(&self, paths: impl Iterator<Item = &'p RepoPath>) -> Result<Vec<String>> {
        let (mut listed, mut order, mut one_by_one) = (Vec::new(), Vec::new(), Vec::new());
        for path in paths {
            // Git reads one path a line here, so that a name with a line's end goes alone.
            let plain = !path.as_bytes().contains(&b'\n') && !path.as_bytes().starts_with(b"\"");
            order.push(plain);
            if plain {
                listed.extend_from_slice(path.as_bytes());
                listed.push(b'\n');
            } else {
                let contents = std::fs::read(self.top.join(path.to_path_buf()))?;
                one_by_one.push(self.object_ids(&["--stdin"], &contents)?.trim().to_owned());
            }
        }
        let together = if listed.is_empty() { String::new() } else { self.object_ids(&["--stdin-paths"], &listed)? };
        let (mut lines, mut alone) = (together.lines().map(str::to_owned), one_by_one.into_iter());
        let ids = order.into_iter().map(|plain| if plain { lines.next() } else { alone.next() });
        ids.collect::<Option<Vec<_>>>().context("git hash-object told fewer ids than files")
    }

    fn object_ids(&self, arguments: &[&str], input: &[u8]) -> Result<String> {
        let shell = &self.shell;
        let output = cmd!(shell, "git hash-object {arguments...}").stdin(input).quiet().ignore_status().output()?;
        if !output.status.success() {
            bail!("git hash-object failed: {}", stderr(&output));
        }
        Ok(String::from_utf8(output.stdout)?)
    }
}
