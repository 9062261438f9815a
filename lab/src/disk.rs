//! A small disk, for what only a disk can do to its files: be full, or take no writes.

use std::{
    ffi::CString,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, mount_remount, unmount};

use crate::error::{Error, Result};

const MIB: usize = 1 << 20;

/// A file system in memory, mounted in a directory of its own; unmounted with the value.
#[derive(Debug)]
pub struct Disk {
    at: PathBuf,
    _folder: tempfile::TempDir,
}

impl Disk {
    /// One of so many MiB.
    ///
    /// # Errors
    /// This process may not mount: that takes root.
    pub fn of_mib(size: u32) -> Result<Self> {
        let made = || Error::io("cannot mount a small disk (it takes root)");
        let folder = tempfile::tempdir().map_err(made())?;
        let at = folder.path().join("disk");
        fs::create_dir(&at).map_err(made())?;
        let size = CString::new(format!("size={size}m")).map_err(|error| made()(io::Error::from(error)))?;
        mount("tmpfs", &at, "tmpfs", MountFlags::empty(), Some(size.as_c_str()))
            .map_err(|error| made()(error.into()))?;
        let disk = Self { at, _folder: folder };
        mount_change(&disk.at, MountPropagationFlags::PRIVATE).map_err(|error| made()(error.into()))?;
        Ok(disk)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.at
    }

    /// Fills it to the last byte with a file, which whoever wants room again removes.
    ///
    /// # Errors
    /// It fails for another reason than being full.
    pub fn fill(&self) -> Result<PathBuf> {
        let path = self.at.join("filler");
        let filled = || Error::io("cannot fill a small disk");
        let mut file = File::create(&path).map_err(filled())?;
        for size in [MIB, 4096, 1] {
            loop {
                match file.write_all(&vec![7; size]) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::StorageFull => break,
                    Err(error) => return Err(filled()(error)),
                }
            }
        }
        Ok(path)
    }

    /// Has it take no more writes, or take them again. The system refuses it while a file is open to be written.
    ///
    /// # Errors
    /// That.
    pub fn read_only(&self, read_only: bool) -> Result<()> {
        let flags = if read_only { MountFlags::RDONLY } else { MountFlags::empty() };
        mount_remount(&self.at, flags, "").map_err(Error::io("cannot remount a small disk"))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Detached: a connection may still be closing.
        let _ended_with_the_process = unmount(&self.at, UnmountFlags::DETACH);
    }
}
