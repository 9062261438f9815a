//! A lab that stands for many processes: where it is, and that it is still kept.

use std::{
    fs::{self, File, TryLockError},
    marker::PhantomData,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::{Error, Result};

/// All labs' folders, below a target directory of cargo.
const FOLDER: &str = "lab";
const FILE: &str = "standing.json";
/// Locked as long as somebody keeps the lab.
const KEPT: &str = "kept";

/// What differs between labs that stand: what is known of one.
pub trait Lab: Clone + Serialize + DeserializeOwned {
    /// As the command line calls it.
    const NAME: &'static str;

    /// Whether it is there now.
    fn answers(&self) -> bool;

    /// Kills all its processes at one point in time.
    ///
    /// # Errors
    /// They do not end.
    fn kill(&self) -> Result<()>;

    /// Removes what an earlier keeper of `folder` left.
    ///
    /// # Errors
    /// It cannot be removed.
    fn sweep(folder: &Path) -> Result<()>;
}

/// A lab that `cargo xtask lab up` raised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing<L> {
    /// What is known of it.
    pub lab: L,
    /// The process that keeps it.
    pub keeper: u32,
    /// The process with which it ends, where it was raised for one.
    pub owner: Option<u32>,
    /// How often its keeper started it.
    pub starts: u32,
    /// Its log.
    pub log: PathBuf,
}

impl<L: Lab> Standing<L> {
    /// The lab's folder for builds in `target`.
    #[must_use]
    pub fn folder(target: &Path) -> PathBuf {
        target.join(FOLDER).join(L::NAME)
    }

    /// The one in `folder`, if it is still kept.
    #[must_use]
    pub fn read(folder: &Path) -> Option<Self> {
        let kept = File::open(folder.join(KEPT)).ok()?;
        // A lock that many may hold is refused only where somebody keeps it alone.
        if !matches!(kept.try_lock_shared(), Err(TryLockError::WouldBlock)) {
            return None;
        }
        serde_json::from_str(&fs::read_to_string(folder.join(FILE)).ok()?).ok()
    }

    /// The one that belongs to the target directory that `program` is in.
    #[must_use]
    pub fn around(program: &Path) -> Option<Self> {
        program.ancestors().find_map(|folder| Self::read(&Self::folder(folder)))
    }
}

/// The right to keep the lab of a folder.
#[derive(Debug)]
pub struct Claim<L> {
    file: PathBuf,
    _kept: File,
    lab: PhantomData<L>,
}

impl<L: Lab> Claim<L> {
    /// Takes it; `None` where another process has it. What an earlier keeper left is removed.
    ///
    /// # Errors
    /// The folder cannot be made, or is another user's.
    pub fn take(folder: &Path) -> Result<Option<Self>> {
        let made = || Error::io(format!("cannot keep a lab in {}", folder.display()));
        fs::create_dir_all(folder).map_err(made())?;
        let kept = File::options().create(true).append(true).open(folder.join(KEPT)).map_err(made())?;
        match kept.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(made()(error)),
        }
        let file = folder.join(FILE);
        withdraw(&file);
        L::sweep(folder)?;
        Ok(Some(Self { file, _kept: kept, lab: PhantomData }))
    }

    /// Tells others where the lab is.
    ///
    /// # Errors
    /// The disk is full.
    pub fn announce(&self, standing: &Standing<L>) -> Result<()> {
        let told = Error::io(format!("cannot write {}", self.file.display()));
        let text = serde_json::to_string_pretty(standing).map_err(Error::io("cannot tell where the lab is"))?;
        // Whole or not there.
        let new = self.file.with_extension("new");
        fs::write(&new, text).and_then(|()| fs::rename(&new, &self.file)).map_err(told)
    }
}

impl<L> Drop for Claim<L> {
    fn drop(&mut self) {
        withdraw(&self.file);
    }
}

fn withdraw(file: &Path) {
    let _was_not_there = fs::remove_file(file);
}
