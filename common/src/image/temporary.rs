//! A file that appears whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::error::ImageError;
use crate::ids::OpId;

const PREFIX: &str = ".ashlar-";
const SUFFIX: &str = ".part";

/// The name of a file that an operation has not finished.
#[must_use]
pub fn part(op: OpId) -> String {
    format!("{PREFIX}{op}{SUFFIX}")
}

/// The operation whose unfinished file has this name.
#[must_use]
pub fn op_of_part(name: &str) -> Option<OpId> {
    name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok()
}

/// A new file under a temporary name beside its final one; gone when dropped before [`Temporary::finish`].
pub(super) struct Temporary {
    file: File,
    path: PathBuf,
    target: PathBuf,
    finished: bool,
}

impl Temporary {
    /// Makes it, readable by its owner alone. Its name comes from the operation, so that a second try after a crash
    /// removes what the first one left.
    pub(super) fn create(target: &Path, op: OpId) -> Result<Self, ImageError> {
        let path = directory(target).join(part(op));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(ImageError::Io { doing: "remove what an earlier try left", source: error });
            }
            Ok(()) | Err(_) => {}
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        let file = options.open(&path).map_err(ImageError::io("make the image file"))?;
        Ok(Self { file, path, target: target.to_owned(), finished: false })
    }

    /// The open file.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Puts it on disk under its final name, in place of what was there.
    pub(super) fn finish(mut self) -> Result<(), ImageError> {
        self.file.sync_all().map_err(ImageError::io("flush the image file"))?;
        fs::rename(&self.path, &self.target).map_err(ImageError::io("give the image file its name"))?;
        self.finished = true;
        let directory = File::open(directory(&self.target)).map_err(ImageError::io("open the image's directory"))?;
        directory.sync_all().map_err(ImageError::io("flush the image's directory"))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.finished
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove an unfinished image file");
        }
    }
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}
