//! Whether a directory can hold volumes: found out once, at opening, by trying.

use std::path::Path;

use ashlar_common::stats::Provisioning;
use rustix::{
    fs::{FallocateFlags, OFlags},
    io::Errno,
};

use crate::{
    error::{Doing, Error},
    layout::{ATTACHMENTS, DATA, RECORD, SNAPSHOTS, TMP, VOLUMES},
    lock,
    root::Dir,
    stage::Stage,
};

/// Names that only the trial uses, in its own directory.
const LINK: &str = "link";
const TWIN: &str = "twin";

/// Opens the store's directory and makes what is missing in it.
pub(crate) fn open_root(path: &Path) -> Result<Dir, Error> {
    if !path.is_absolute() || path.to_str().is_none() {
        return Err(Error::BadPath { path: path.to_owned() });
    }
    let root = Dir::open_root(path).map_err(|source| Error::NoRoot { path: path.to_owned(), source })?;
    let unfit = |missing, source| Error::Unfit { path: path.to_owned(), missing, source };
    if let Err(Errno::NOSYS) = root.open(".", OFlags::RDONLY | OFlags::DIRECTORY) {
        return Err(unfit("the kernel has no openat2: use Linux 5.6 or later", Errno::NOSYS));
    }
    let mut made = false;
    for name in [VOLUMES, SNAPSHOTS, ATTACHMENTS, TMP] {
        made |= match root.make_dir(name) {
            Err(Error::Io { source, .. }) => {
                return Err(unfit("directories cannot be made in it: let this user write there", source));
            }
            other => other?,
        };
        root.known_dir(name)?;
    }
    if made {
        root.sync()?;
    }
    Ok(root)
}

/// Tries what volumes need of the file system, and answers whether files can share blocks.
pub(crate) fn try_file_system(path: &Path, stage: &Stage, provisioning: Provisioning) -> Result<bool, Error> {
    let unfit = |missing| move |source| Error::Unfit { path: path.to_owned(), missing, source };
    let dir = stage.dir();
    let data = stage.data()?;
    rustix::io::pwrite(&data, &[1; 4096], 0).doing("write", &dir.path_of(DATA))?;
    dir.link(DATA, dir, LINK).map_err(unfit("its file system has no hard links, which attachments are"))?;
    // The stage holds this lock, so a second opening must not get it.
    let again = dir.known_file(RECORD, OFlags::RDWR)?;
    if lock::try_flock(&again, dir)? {
        return Err(unfit("its file system does not keep locks (flock)")(Errno::NOLCK));
    }
    if provisioning == Provisioning::Thick {
        rustix::fs::fallocate(&data, FallocateFlags::empty(), 0, 1 << 16)
            .map_err(unfit("room cannot be made ahead of writing there (fallocate): use thin provisioning"))?;
        return Ok(false);
    }
    let twin = dir.create_file(TWIN)?;
    match rustix::fs::ioctl_ficlone(&twin, &data) {
        Ok(()) => Ok(true),
        Err(Errno::OPNOTSUPP | Errno::NOTTY | Errno::INVAL | Errno::NOSYS | Errno::XDEV) => Ok(false),
        Err(errno) => Err(errno).doing("share blocks with", &dir.path_of(DATA)),
    }
}
