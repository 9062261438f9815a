//! Whether a file that is open still is the one of its name.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::store::error::{Error, Result};

/// A database's file and its log, as they were when a connection opened them.
#[derive(Debug)]
pub(super) struct OpenFile {
    path: PathBuf,
    log: PathBuf,
    identity: Identity,
    /// Known once there is one. It is there as long as any connection is.
    log_identity: Option<Identity>,
}

type Identity = (u64, u64);

/// It is not.
#[derive(Debug, thiserror::Error)]
pub(super) enum Gone {
    /// The file.
    #[error("the file {0} was removed or replaced while it was in use")]
    File(PathBuf),
    /// Its log, in which commits are until they are in the file.
    #[error("the log {0} was removed or replaced while it was in use")]
    Log(PathBuf),
    /// The system does not tell.
    #[error("cannot look at {path}")]
    Unknown { path: PathBuf, source: io::Error },
}

impl Gone {
    pub(super) fn only_log(&self) -> bool {
        matches!(self, Self::Log(_))
    }
}

impl OpenFile {
    /// The file at `path`, which was opened a moment ago.
    pub(super) fn at(path: &Path) -> Result<Self> {
        let log = beside(path);
        let unusable = |error| Error::Away(Arc::new(error));
        let identity = identity(path).map_err(unusable)?.ok_or_else(|| unusable(Gone::File(path.to_owned())))?;
        let log_identity = self::identity(&log).map_err(unusable)?;
        Ok(Self { path: path.to_owned(), log, identity, log_identity })
    }

    /// Fails where it is not. Costs two looks at names, which the system has in memory.
    pub(super) fn is_still_there(&mut self) -> std::result::Result<(), Gone> {
        if identity(&self.path)? != Some(self.identity) {
            return Err(Gone::File(self.path.clone()));
        }
        let log = identity(&self.log)?;
        if self.log_identity.is_some() && log != self.log_identity {
            return Err(Gone::Log(self.log.clone()));
        }
        self.log_identity = log;
        Ok(())
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

fn identity(path: &Path) -> std::result::Result<Option<Identity>, Gone> {
    match fs::metadata(path) {
        Ok(found) => Ok(Some((found.dev(), found.ino()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Gone::Unknown { path: path.to_owned(), source }),
    }
}
