//! Where servers that need not be durable are quickest: in memory, away from a disk that others keep busy.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{statfs, statvfs},
    process::geteuid,
};

const MEMORY: &str = "/dev/shm";
/// A server takes 40 MiB, a database 8 MiB, the log of changes what [`LOG_BOUND`] says.
const ENOUGH: u64 = 2 << 30;
/// `max_wal_size` of a server in memory.
pub(super) const LOG_BOUND: &str = "128MB";
/// Linux's number of its file system in memory.
const TMPFS: i64 = 0x0102_1994;

/// This user's directory in memory, where the machine has enough for it.
pub(crate) fn in_memory() -> Option<PathBuf> {
    let memory = Path::new(MEMORY);
    let (kind, room) = (statfs(memory).ok()?.f_type, statvfs(memory).ok()?);
    let enough = room.f_bavail.saturating_mul(room.f_frsize) >= ENOUGH;
    (kind == TMPFS && enough).then(|| own(memory).ok())?
}

/// Anybody may make directories there; one of another user is not taken.
fn own(memory: &Path) -> io::Result<PathBuf> {
    let user = geteuid().as_raw();
    let path = memory.join(format!("ashlar-lab-{user}"));
    match fs::DirBuilder::new().mode(0o755).create(&path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(&path)?;
    if !found.is_dir() || found.uid() != user {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    // Whatever the mask of new files is: the user that runs the server has to enter.
    fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::own;

    #[test]
    fn a_link_that_somebody_left_there_is_not_followed() {
        let memory = tempfile::tempdir().unwrap();
        let path = own(memory.path()).unwrap();
        assert_eq!(own(memory.path()).unwrap(), path);
        std::fs::remove_dir(&path).unwrap();
        std::os::unix::fs::symlink("/", &path).unwrap();
        assert!(own(memory.path()).is_err());
    }
}
