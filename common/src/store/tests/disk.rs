//! A small disk of its own, for what only a disk can do.

use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, unmount};

/// In memory, of so many MiB; unmounted with the value.
pub(super) struct Disk {
    at: PathBuf,
    _folder: tempfile::TempDir,
}

impl Disk {
    pub(super) fn of_mib(size: u32) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let at = folder.path().join("disk");
        std::fs::create_dir(&at).expect("made");
        let size = std::ffi::CString::new(format!("size={size}m")).expect("no zero in it");
        mount("tmpfs", &at, "tmpfs", MountFlags::empty(), Some(size.as_c_str()))
            .expect("this test mounts a file system: run it as root");
        mount_change(&at, MountPropagationFlags::PRIVATE).expect("ours");
        Self { at, _folder: folder }
    }

    pub(super) fn path(&self) -> &Path {
        &self.at
    }

    /// Has it take no more writes, or take them again. Fails while a file is open to be written.
    pub(super) fn read_only(&self, read_only: bool) {
        let flags = if read_only { MountFlags::RDONLY } else { MountFlags::empty() };
        rustix::mount::mount_remount(&self.at, flags, "").expect("remounted");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Detached: a connection may still be closing.
        let _ended_with_the_test = unmount(&self.at, UnmountFlags::DETACH);
    }
}
