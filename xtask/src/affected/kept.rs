//! What was worked out before, kept beside git's own files: never tracked, gone with the clone, and only ever a shortcut.
//!
//! Every piece lies under a digest of all that it was worked out from, so that nothing has to be thrown away in time. A
//! piece that cannot be read is worked out again; one that cannot be written is not kept.

use std::{
    ffi::OsStr,
    fs::{self, DirEntry},
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::evidence::record::hexadecimal;

/// The name of the folder in git's own.
const FOLDER: &str = "affected-tests";
/// So many pieces of one kind are kept; the oldest go.
const MOST: usize = 8;

/// The place.
#[derive(Clone, Debug)]
pub struct Kept {
    /// `None`: nothing is kept.
    folder: Option<PathBuf>,
}

impl Kept {
    /// What is kept in this folder of git.
    #[must_use]
    pub fn below(git: &Path) -> Self {
        Self { folder: Some(git.join(FOLDER)) }
    }

    /// Nothing is kept, nor read.
    #[must_use]
    pub fn nothing() -> Self {
        Self { folder: None }
    }

    /// The piece of this kind under this digest.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, kind: &str, digest: &str) -> Option<T> {
        let text = fs::read(self.file(kind, digest)?).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Whether any piece of this kind is there.
    #[must_use]
    pub fn has(&self, kind: &str) -> bool {
        let pieces = self.folder.as_ref().and_then(|folder| pieces(folder, kind).ok());
        pieces.is_some_and(|pieces| !pieces.is_empty())
    }

    /// Keeps a piece: whole, or not at all.
    pub fn put<T: Serialize>(&self, kind: &str, digest: &str, piece: &T) {
        let Some(file) = self.file(kind, digest) else { return };
        // A folder that cannot be written, or a full disk, costs the next run its shortcut and this one nothing.
        let _not_kept = write(&file, piece);
        if let Some(folder) = file.parent() {
            let _too_many = tidy(folder, kind);
        }
    }

    /// The piece of this kind under this digest; where there is none, it is worked out and kept.
    ///
    /// # Errors
    /// It cannot be worked out.
    pub fn or<T: Serialize + DeserializeOwned>(
        &self,
        kind: &str,
        digest: &str,
        make: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        if let Some(known) = self.get(kind, digest) {
            return Ok(known);
        }
        let made = make()?;
        self.put(kind, digest, &made);
        Ok(made)
    }

    fn file(&self, kind: &str, digest: &str) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("{kind}-{digest}.json")))
    }
}

fn write<T: Serialize>(file: &Path, piece: &T) -> anyhow::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut written = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(std::io::BufWriter::new(&mut written), piece)?;
    written.persist(file)?;
    Ok(())
}

/// The pieces of a kind.
fn pieces(folder: &Path, kind: &str) -> std::io::Result<Vec<DirEntry>> {
    let of_kind = |name: &OsStr| {
        name.to_string_lossy().starts_with(&format!("{kind}-"))
            && Path::new(name).extension() == Some(OsStr::new("json"))
    };
    let entries =
        fs::read_dir(folder)?.filter(|entry| entry.as_ref().map_or(true, |entry| of_kind(&entry.file_name())));
    entries.collect()
}

fn tidy(folder: &Path, kind: &str) -> std::io::Result<()> {
    let mut dated = Vec::new();
    for piece in pieces(folder, kind)? {
        dated.push((piece.metadata()?.modified().unwrap_or(SystemTime::UNIX_EPOCH), piece.path()));
    }
    dated.sort();
    let too_many = dated.len().saturating_sub(MOST);
    dated.iter().take(too_many).try_for_each(|(_, path)| fs::remove_file(path))
}

/// A digest of parts, each with its length, so that they do not run into each other.
#[derive(Clone, Default)]
pub struct Parts(Sha256);

impl Parts {
    /// Adds a part.
    pub fn add(&mut self, part: impl AsRef<[u8]>) {
        let part = part.as_ref();
        self.0.update((part.len() as u64).to_le_bytes());
        self.0.update(part);
    }

    /// The digest, in hexadecimal digits.
    #[must_use]
    pub fn digest(self) -> String {
        hexadecimal(&self.0.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::{FOLDER, Kept, MOST, Parts};

    #[test]
    fn what_is_kept_is_found_again_and_what_is_broken_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::below(folder.path());
        assert_eq!(kept.get::<u32>("a", "1"), None);
        assert!(!kept.has("a"));
        assert_eq!(kept.or("a", "1", || Ok(7)).unwrap(), 7);
        assert_eq!(kept.or("a", "1", || Ok(8)).unwrap(), 7);
        assert!(kept.has("a") && !kept.has("b"));
        std::fs::write(folder.path().join(FOLDER).join("a-1.json"), "{").unwrap();
        assert_eq!(kept.or("a", "1", || Ok(9)).unwrap(), 9);
        assert_eq!(Kept::nothing().or("a", "1", || Ok(1)).unwrap(), 1);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_no_failure() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(Kept::below(file.path()).or("a", "1", || Ok(7)).unwrap(), 7);
    }

    #[test]
    fn the_number_of_pieces_is_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let kept = Kept::below(folder.path());
        for number in 0..MOST + 5 {
            kept.put("a", &number.to_string(), &number);
        }
        kept.put("b", "1", &0);
        assert_eq!(std::fs::read_dir(folder.path().join(FOLDER)).unwrap().count(), MOST + 1);
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let digest = |parts: &[&str]| {
            let mut all = Parts::default();
            parts.iter().for_each(|part| all.add(part));
            all.digest()
        };
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
    }
}
