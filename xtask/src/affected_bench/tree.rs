//! A tree of files in memory: what a generator makes, before anything is written.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
    },
    path::Path,
};

use anyhow::{Context, Result};

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// A file.
    File {
        /// All of it.
        bytes: Vec<u8>,
        /// Whether its execute bits are set.
        executable: bool,
    },
    /// A symbolic link, with its text.
    Link(Vec<u8>),
}

/// Files and links by path: relative, any bytes but NUL, `/` between the parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tree(BTreeMap<Vec<u8>, Node>);

impl Tree {
    /// Puts a file, also in place of another.
    pub(super) fn file(&mut self, path: impl AsRef<[u8]>, text: impl AsRef<[u8]>) {
        let bytes = text.as_ref().to_vec();
        self.0.insert(path.as_ref().to_vec(), Node::File { bytes, executable: false });
    }

    /// Puts a file that may be executed.
    pub(super) fn script(&mut self, path: &str, text: &str) {
        self.0.insert(path.into(), Node::File { bytes: text.into(), executable: true });
    }

    /// Puts a symbolic link.
    pub(super) fn link(&mut self, path: impl AsRef<[u8]>, target: impl AsRef<[u8]>) {
        self.0.insert(path.as_ref().to_vec(), Node::Link(target.as_ref().to_vec()));
    }

    /// All of it, in the order of paths.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (&[u8], &Node)> {
        self.0.iter().map(|(path, node)| (path.as_slice(), node))
    }

    /// Writes it below `root`.
    pub(super) fn write(&self, root: &Path) -> Result<()> {
        for (path, node) in self.nodes() {
            put(&root.join(OsStr::from_bytes(path)), node)?;
        }
        Ok(())
    }
}

/// Writes one node, with the folders it needs; what was there before is replaced.
pub(super) fn put(path: &Path, node: &Node) -> Result<()> {
    let context = || format!("cannot write {}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(context)?;
    }
    if path.symlink_metadata().is_ok() {
        fs::remove_file(path).with_context(context)?;
    }
    match node {
        Node::Link(target) => symlink(OsStr::from_bytes(target), path).with_context(context)?,
        Node::File { bytes, executable } => {
            fs::write(path, bytes).with_context(context)?;
            let mode = if *executable { 0o755 } else { 0o644 };
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).with_context(context)?;
        }
    }
    Ok(())
}
