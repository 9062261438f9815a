//! Where programs are.

use std::{
    ffi::{OsStr, OsString},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::{error::ExecError, run::Run};

/// Where programs are looked for, and the `PATH` that they see themselves.
pub(super) const SEARCHED: &str = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin";

/// How to look for a program, besides its name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lookup<'a> {
    /// The Debian package that has it: the error says so when it is missing.
    pub package: Option<&'static str>,
    /// A `PATH` to search after the fixed directories. Its relative entries are not used.
    pub path: Option<&'a OsStr>,
}

/// A program on this machine, found once and started by its absolute path from then on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    name: &'static str,
    path: PathBuf,
}

impl Program {
    /// Looks for `name` in the system's directories, whatever `PATH` says.
    ///
    /// # Errors
    /// [`ExecError::Missing`] if there is no such executable.
    pub fn find(name: &'static str) -> Result<Self, ExecError> {
        Self::find_with(name, Lookup::default())
    }

    /// Looks for `name` in the system's directories, then as `lookup` says.
    ///
    /// # Errors
    /// [`ExecError::Missing`] if there is no such executable.
    pub fn find_with(name: &'static str, lookup: Lookup<'_>) -> Result<Self, ExecError> {
        std::env::split_paths(SEARCHED)
            .chain(lookup.path.into_iter().flat_map(std::env::split_paths))
            .filter(|directory| directory.is_absolute())
            .map(|directory| directory.join(name))
            .find(|path| is_executable(path))
            .map(|path| Self { name, path })
            .ok_or(ExecError::Missing { name, package: lookup.package })
    }

    /// The program at a path that was found otherwise; `name` is for error texts.
    ///
    /// # Errors
    /// [`ExecError::Missing`] if there is no executable.
    pub fn at(name: &'static str, path: PathBuf) -> Result<Self, ExecError> {
        if path.is_absolute() && is_executable(&path) {
            return Ok(Self { name, path });
        }
        Err(ExecError::Missing { name, package: None })
    }

    /// Its absolute path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its name, as it was looked for.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// A run of it with these arguments, to be set up further and then started by [`Run::output`].
    pub fn run<I>(&self, args: I) -> Run
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        Run::new(self.clone()).args(args)
    }
}

fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
