//! A server that stands for many processes: where it is, and that it is still kept.

use std::{
    fs::{self, File, TryLockError},
    net::TcpStream,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{address::Address, place};
use crate::{
    error::{Error, Result},
    process,
};

/// The lab's folder below a target directory of cargo.
const FOLDER: &str = "lab/postgres";
const FILE: &str = "standing.json";
/// Locked as long as somebody keeps the server.
const KEPT: &str = "kept";
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
const KILL_LIMIT: Duration = Duration::from_secs(60);

/// What is known of a server that `cargo xtask lab up` raised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Where it is.
    pub address: Address,
    /// The process that keeps it.
    pub keeper: u32,
    /// The process with which it ends, where it was raised for one.
    pub owner: Option<u32>,
    /// How often its keeper started it.
    pub starts: u32,
    /// Where its files are, and its processes work.
    pub data: PathBuf,
    /// Its log.
    pub log: PathBuf,
}

impl Standing {
    /// The lab's folder for builds in `target`.
    #[must_use]
    pub fn folder(target: &Path) -> PathBuf {
        target.join(FOLDER)
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

    /// Whether it takes connections now.
    #[must_use]
    pub fn answers(&self) -> bool {
        TcpStream::connect_timeout(&self.address.tcp(), ANSWER_LIMIT).is_ok()
    }

    /// Kills all its processes at one point in time: see [`super::Server::kill`].
    ///
    /// # Errors
    /// They do not end.
    pub fn kill(&self) -> Result<()> {
        process::pause_all(&self.data, KILL_LIMIT)?;
        process::kill_all(&self.data, KILL_LIMIT)
    }
}

/// The right to keep the server of a folder.
#[derive(Debug)]
pub struct Claim {
    file: PathBuf,
    _kept: File,
}

impl Claim {
    /// Takes it; `None` where another process has it. What an earlier keeper left is removed.
    ///
    /// # Errors
    /// The folder cannot be made, or is another user's.
    pub fn take(folder: &Path) -> Result<Option<Self>> {
        let made = || Error::io(format!("cannot keep a server in {}", folder.display()));
        fs::create_dir_all(folder).map_err(made())?;
        let kept = File::options().create(true).append(true).open(folder.join(KEPT)).map_err(made())?;
        match kept.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(made()(error)),
        }
        let claim = Self { file: folder.join(FILE), _kept: kept };
        claim.withdraw();
        super::server::sweep(folder)?;
        if let Some(memory) = place::in_memory() {
            super::server::sweep(&memory)?;
        }
        Ok(Some(claim))
    }

    /// Tells others where the server is.
    ///
    /// # Errors
    /// The disk is full.
    pub fn announce(&self, standing: &Standing) -> Result<()> {
        let told = Error::io(format!("cannot write {}", self.file.display()));
        let text = serde_json::to_string_pretty(standing).map_err(Error::io("cannot tell where the server is"))?;
        // Whole or not there.
        let new = self.file.with_extension("new");
        fs::write(&new, text).and_then(|()| fs::rename(&new, &self.file)).map_err(told)
    }

    fn withdraw(&self) {
        let _was_not_there = fs::remove_file(&self.file);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.withdraw();
    }
}
