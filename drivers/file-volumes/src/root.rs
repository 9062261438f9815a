//! The only way to files: by one name, below an open directory, through no symbolic link.
//!
//! Somebody who can write to a store (a client of an NFS share, say) could put a symbolic link where an object is
//! expected. Every name is therefore resolved by `openat2` below the directory it belongs to, and one that leads
//! elsewhere is an error.

use std::{fs::File, os::fd::OwnedFd, path::Path};

use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, Stat},
    io::Errno,
};

use crate::error::{Doing, Error};

/// Directories inside an object are not made by this crate; deeper trees in `tmp/` are left for people to look at.
const REMOVE_DEPTH: u32 = 4;
/// How often a name is looked up again that seems to lead out of its directory.
const MOVED_TRIES: u32 = 16;

/// An open directory of the store.
#[derive(Debug)]
pub(crate) struct Dir {
    fd: OwnedFd,
    /// Relative to the store, for messages.
    name: String,
}

impl Dir {
    /// Opens the store's own directory. Symbolic links on the way to it are the operator's business.
    pub(crate) fn open_root(path: &Path) -> Result<Self, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty())?;
        Ok(Self { fd, name: ".".to_owned() })
    }

    /// The bare call, for those who look at the error themselves.
    pub(crate) fn open(&self, name: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        // Non-blocking, so that a planted FIFO cannot hold the caller; regular files do not know the flag.
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let mode = if flags.contains(OFlags::CREATE) { Mode::RUSR | Mode::WUSR } else { Mode::empty() };
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        let mut tries = 0;
        loop {
            match rustix::fs::openat2(&self.fd, name, flags, mode, resolve) {
                // Also what the kernel says of a name that is moved away while it is looked up: the next look tells.
                Err(Errno::XDEV | Errno::AGAIN) if tries < MOVED_TRIES => tries += 1,
                opened => return opened,
            }
        }
    }

    /// A directory in this one; `None` if there is nothing of that name.
    pub(crate) fn dir(&self, name: &str) -> Result<Option<Self>, Error> {
        match self.open(name, OFlags::RDONLY | OFlags::DIRECTORY) {
            Ok(fd) => Ok(Some(Self { fd, name: self.path_of(name) })),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.refuse("open the directory", name, errno)),
        }
    }

    /// A directory in this one that must be there.
    pub(crate) fn known_dir(&self, name: &str) -> Result<Self, Error> {
        self.dir(name)?.ok_or_else(|| self.refuse("open the directory", name, Errno::NOENT))
    }

    /// Makes a directory if it is not there, and says whether it did.
    pub(crate) fn make_dir(&self, name: &str) -> Result<bool, Error> {
        match rustix::fs::mkdirat(&self.fd, name, Mode::RWXU) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(errno) => Err(self.refuse("make the directory", name, errno)),
        }
    }

    /// A regular file in this directory; `None` if there is nothing of that name.
    pub(crate) fn file(&self, name: &str, flags: OFlags) -> Result<Option<File>, Error> {
        let file = match self.open(name, flags) {
            Ok(fd) => File::from(fd),
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(self.refuse("open", name, errno)),
        };
        let kind = file.metadata().doing("look at", &self.path_of(name))?.file_type();
        if !kind.is_file() {
            return Err(self.damaged(name, "it should be a regular file"));
        }
        Ok(Some(file))
    }

    /// A file in this directory that must be there.
    pub(crate) fn known_file(&self, name: &str, flags: OFlags) -> Result<File, Error> {
        self.file(name, flags)?.ok_or_else(|| self.damaged(name, "it is missing"))
    }

    /// A new file.
    pub(crate) fn create_file(&self, name: &str) -> Result<File, Error> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL;
        self.open(name, flags).map(File::from).map_err(|errno| self.refuse("make", name, errno))
    }

    /// What is under that name itself, links not followed.
    pub(crate) fn stat(&self, name: &str) -> Result<Option<Stat>, Error> {
        match rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.refuse("look at", name, errno)),
        }
    }

    /// Whether `name` is `file` now.
    pub(crate) fn holds(&self, name: &str, file: &File) -> Result<bool, Error> {
        let opened = rustix::fs::fstat(file).doing("look at", &self.path_of(name))?;
        Ok(self.stat(name)?.is_some_and(|stat| (stat.st_dev, stat.st_ino) == (opened.st_dev, opened.st_ino)))
    }

    /// The names in this directory that are UTF-8; ours all are.
    pub(crate) fn names(&self) -> Result<Vec<String>, Error> {
        // A descriptor of its own, since the reading position belongs to the open file.
        let own = self.open(".", OFlags::RDONLY | OFlags::DIRECTORY).doing("read", &self.name)?;
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::new(own).doing("read", &self.name)? {
            let entry = entry.doing("read", &self.name)?;
            match entry.file_name().to_str() {
                Ok(".." | ".") | Err(_) => {}
                Ok(name) => names.push(name.to_owned()),
            }
        }
        Ok(names)
    }

    /// Moves an entry. Directories only: onto one with contents that fails with `EXIST` or `NOTEMPTY` on every file
    /// system, NFS included, where "no replace" is not to be had.
    pub(crate) fn move_dir(&self, name: &str, to: &Self, new_name: &str) -> Result<(), Errno> {
        rustix::fs::renameat(&self.fd, name, &to.fd, new_name)
    }

    /// Puts a file in the place of another.
    pub(crate) fn replace_file(&self, name: &str, to: &Self, new_name: &str) -> Result<(), Error> {
        rustix::fs::renameat(&self.fd, name, &to.fd, new_name).doing("replace", &to.path_of(new_name))
    }

    /// Gives a file of this directory a second name.
    pub(crate) fn link(&self, name: &str, to: &Self, new_name: &str) -> Result<(), Errno> {
        rustix::fs::linkat(&self.fd, name, &to.fd, new_name, AtFlags::empty())
    }

    /// Removes a name, and says whether there was one.
    pub(crate) fn unlink(&self, name: &str) -> Result<bool, Error> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(self.refuse("remove", name, errno)),
        }
    }

    /// Removes a directory if it is there and empty, and says whether it did.
    pub(crate) fn remove_empty(&self, name: &str) -> Result<bool, Error> {
        match rustix::fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => Ok(false),
            Err(errno) => Err(self.refuse("remove", name, errno)),
        }
    }

    /// Removes an entry and all below it. Links are removed, not followed.
    pub(crate) fn remove_tree(&self, name: &str) -> Result<(), Error> {
        self.remove_level(name, REMOVE_DEPTH)
    }

    fn remove_level(&self, name: &str, depth: u32) -> Result<(), Error> {
        let Some(stat) = self.stat(name)? else { return Ok(()) };
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            return self.unlink(name).map(drop);
        }
        let Some(dir) = self.dir(name)? else { return Ok(()) };
        if depth == 0 {
            return Err(self.damaged(name, "it is deeper than anything this store makes"));
        }
        for inner in dir.names()? {
            dir.remove_level(&inner, depth - 1)?;
        }
        self.remove_empty(name).map(drop)
    }

    /// Makes the entries of this directory durable.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        rustix::fs::fsync(&self.fd).doing("write to disk", &self.name)
    }

    /// The open directory, for calls about its file system.
    pub(crate) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// The entry's name relative to the store.
    pub(crate) fn path_of(&self, name: &str) -> String {
        if self.name == "." { name.to_owned() } else { format!("{}/{name}", self.name) }
    }

    /// An entry that is not what it should be.
    pub(crate) fn damaged(&self, name: &str, why: impl Into<String>) -> Error {
        Error::Damaged { name: self.path_of(name), why: why.into() }
    }

    fn refuse(&self, doing: &'static str, name: &str, errno: Errno) -> Error {
        match errno {
            Errno::LOOP => self.damaged(name, "it is a symbolic link"),
            Errno::XDEV => self.damaged(name, "it leads out of the store"),
            Errno::NOTDIR => self.damaged(name, "it should be a directory"),
            Errno::NXIO | Errno::ISDIR => self.damaged(name, "it should be a regular file"),
            other => Error::Io { doing, name: self.path_of(name), source: other },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::Dir;

    #[test]
    fn a_directory_that_is_moved_while_it_is_opened_is_there_or_not_there() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        for name in ["here", "there", "here/object"] {
            std::fs::create_dir(folder.path().join(name)).expect("a directory");
        }
        let root = Dir::open_root(folder.path()).expect("it opens");
        let (here, there) = (root.known_dir("here").expect("made"), root.known_dir("there").expect("made"));
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..20_000 {
                    here.move_dir("object", &there, "object").expect("moved");
                    there.move_dir("object", &here, "object").expect("moved back");
                }
                over.store(true, Ordering::Relaxed);
            });
            while !over.load(Ordering::Relaxed) {
                here.dir("object").expect("there or not there");
            }
        });
    }
}
