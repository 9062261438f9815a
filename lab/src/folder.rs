//! The folder of a server: its own, removed with it, and found and removed by the next one where nobody could do so.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use crate::error::{Error, Result};

/// In each folder; locked as long as its owner lives. The kernel unlocks it, so that a dead owner needs no guessing.
const OWNED: &str = "owned";
/// Beside the folders; locked while one is made or leftovers are looked for, so that one half made is not taken for left.
const TURN: &str = "turn";
const PREFIX: &str = "server-";

/// A folder and the lock that says it is in use.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _owned: File,
}

impl Folder {
    /// Makes one below `within`.
    pub(crate) fn make(within: &Path) -> Result<Self> {
        let made = || Error::io(format!("cannot make a folder in {}", within.display()));
        fs::create_dir_all(within).map_err(made())?;
        let within = fs::canonicalize(within).map_err(made())?;
        let _turn = turn(&within)?;
        let path = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&within).map_err(made())?.keep();
        let owned = File::create(path.join(OWNED)).map_err(made())?;
        owned.lock().map_err(made())?;
        Ok(Self { path, _owned: owned })
    }

    /// Those below `within` whose owner is gone. They are the caller's now.
    pub(crate) fn leftovers(within: &Path) -> Result<Vec<Self>> {
        let Ok(within) = fs::canonicalize(within) else { return Ok(Vec::new()) };
        let _turn = turn(&within)?;
        let listed = || Error::io(format!("cannot list {}", within.display()));
        let mut left = Vec::new();
        for entry in fs::read_dir(&within).map_err(listed())? {
            let entry = entry.map_err(listed())?;
            if entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
                left.extend(Self::left(entry.path()));
            }
        }
        Ok(left)
    }

    /// The paths of all that are below `within`, in use or not.
    pub(crate) fn all(within: &Path) -> Result<Vec<PathBuf>> {
        let within = fs::canonicalize(within).map_err(Error::io(format!("no {}", within.display())))?;
        let entries = fs::read_dir(&within).map_err(Error::io(format!("cannot list {}", within.display())))?;
        let ours = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(PREFIX.as_bytes());
        Ok(entries.flatten().filter(|entry| ours(&entry.file_name())).map(|entry| entry.path()).collect())
    }

    /// The folder, if nobody owns it and it is this user's to remove.
    fn left(path: PathBuf) -> Option<Self> {
        let owned = File::options().create(true).append(true).open(path.join(OWNED)).ok()?;
        match owned.try_lock() {
            Ok(()) => Some(Self { path, _owned: owned }),
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => None,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it with all that is in it.
    pub(crate) fn remove(&self) -> Result<()> {
        fs::remove_dir_all(&self.path).map_err(Error::io(format!("cannot remove {}", self.path.display())))
    }
}

fn turn(within: &Path) -> Result<File> {
    let locked = || Error::io(format!("cannot lock {}", within.display()));
    let turn = File::create(within.join(TURN)).map_err(locked())?;
    turn.lock().map_err(locked())?;
    Ok(turn)
}

#[cfg(test)]
mod tests {
    use super::Folder;

    #[test]
    fn a_folder_is_left_over_when_its_owner_is_gone() {
        let within = tempfile::tempdir().unwrap();
        let folder = Folder::make(within.path()).unwrap();
        let path = folder.path().to_owned();
        assert!(Folder::leftovers(within.path()).unwrap().is_empty(), "it is in use");
        drop(folder);
        let left = Folder::leftovers(within.path()).unwrap();
        assert_eq!(left.iter().map(Folder::path).collect::<Vec<_>>(), [path.as_path()]);
        left[0].remove().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn nothing_is_left_where_nothing_was() {
        assert!(Folder::leftovers("/nonexistent".as_ref()).unwrap().is_empty());
    }
}
