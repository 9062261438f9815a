//! Files that git does not have: a job may read them all the same, and then their contents count.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use sha2::{Digest, Sha256};

use super::record::hexadecimal;
use crate::affected::path::RepoPath;

/// The SHA-256 of files below `root`, by their paths relative to it; `None` for what is no file, or cannot be read.
pub fn below(root: &Path) -> impl Fn(&RepoPath) -> Option<String> + use<'_> {
    |path| sha256(&root.join(path.to_path_buf())).ok()
}

/// The SHA-256 of a file.
///
/// # Errors
/// It is no file, or cannot be read.
pub fn sha256(path: &Path) -> io::Result<String> {
    // Asked first: to open a pipe is to wait for its other end.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    let (mut file, mut digest, mut piece) = (File::open(path)?, Sha256::new(), vec![0; 1 << 18]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hexadecimal(&digest.finalize())),
            length => digest.update(&piece[..length]),
        }
    }
}
