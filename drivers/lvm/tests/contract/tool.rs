//! A script in the place of LVM's program: the real one, but for what a test asks to go wrong once.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use ashlar_common::exec::Program;
use tempfile::TempDir;

use crate::bench::{ctx, ensure};
use crate::failure::Result;

const SCRIPT: &str = include_str!("tool.sh");

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It dies by signal 11 before it does anything.
    Crash,
    /// It dies by signal 11 when all is done, and does not say so.
    CrashLate,
    /// It says that it did it, and does nothing.
    Lie,
    /// It does it, and its report ends in the middle.
    Torn,
    /// It does nothing and says nothing.
    Hang,
}

impl Fault {
    const fn word(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::CrashLate => "crash-late",
            Self::Lie => "lie",
            Self::Torn => "torn",
            Self::Hang => "hang",
        }
    }
}

/// The script, and the folder by which it is told.
pub(crate) struct Tool {
    folder: TempDir,
}

impl Tool {
    pub(crate) async fn new() -> Result<Self> {
        let folder = TempDir::new()?;
        let lvm = Program::find("lvm")?;
        let script = SCRIPT
            .replace("@folder@", &folder.path().display().to_string())
            .replace("@lvm@", &lvm.path().display().to_string());
        fs::write(folder.path().join("lvm"), script)?;
        fs::set_permissions(folder.path().join("lvm"), fs::Permissions::from_mode(0o755))?;
        let hangs = folder.path().join("hangs");
        Program::find("mkfifo")?.run([hangs]).output(&ctx()).await?;
        Ok(Self { folder })
    }

    /// For `lvm_program`.
    pub(crate) fn path(&self) -> PathBuf {
        self.file("lvm")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The next command that begins so goes wrong; `command` is a pattern of the shell.
    pub(crate) fn arm(&self, fault: Fault, command: &str) -> Result {
        let _none_yet = fs::remove_file(self.file("spent"));
        let staged = self.file("staged");
        fs::write(&staged, format!("{} {command}\n", fault.word()))?;
        Ok(fs::rename(staged, self.file("next"))?)
    }

    /// It went wrong: a test whose fault met no command would prove nothing.
    pub(crate) fn was_met(&self) -> Result {
        ensure(self.file("spent").exists() && !self.file("next").exists(), "the fault met no command")
    }

    /// From now on, every command comes with a lot of warnings on standard error.
    pub(crate) fn warns(&self) -> Result {
        Ok(fs::write(self.file("warns"), "")?)
    }

    /// From now on, every command succeeds in words alone, until it is told otherwise.
    pub(crate) fn lies(&self, lies: bool) -> Result {
        let file = self.file("lies");
        if lies { Ok(fs::write(file, "")?) } else { Ok(fs::remove_file(file)?) }
    }

    /// Waits until a command hangs.
    pub(crate) async fn hangs(&self) -> Result {
        let fifo = self.file("hangs");
        tokio::task::spawn_blocking(move || read(&fifo)).await?
    }
}

fn read(fifo: &Path) -> Result {
    fs::read(fifo)?;
    Ok(())
}
