//! The only way to configfs: paths are built of checked names, so that they never leave the root.
//!
//! In configfs a directory is an object of the kernel, which comes with its attributes as files, and a symbolic link
//! says that one object uses another. Each step answers whether it changed anything, so that all can be repeated.
//!
//! Any of these calls may block for as long as the kernel does (removing a target waits for the requests of its
//! clients): they belong on blocking threads, under a deadline.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
};

use crate::error::Error;

/// Entries of a directory that are read at most.
const MAX_ENTRIES: usize = 65_536;
/// Bytes of an attribute: configfs gives one page.
const MAX_ATTRIBUTE: u64 = 65_536;
/// The longest name of a file.
const MAX_NAME: usize = 255;

/// A directory of configfs, which may be there or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node(PathBuf);

impl Node {
    /// Where configfs is mounted: `/sys/kernel/config`, but for tests.
    ///
    /// # Errors
    /// [`Error::BadName`] if the path is not absolute.
    pub fn root(path: &Path) -> Result<Self, Error> {
        if path.is_absolute() {
            return Ok(Self(path.to_owned()));
        }
        let text = path.display().to_string();
        Err(Error::BadName { what: "the root of configfs", text, rule: "it is an absolute path" })
    }

    /// The directory `name` in this one.
    ///
    /// # Errors
    /// [`Error::BadName`] if the name could lead elsewhere.
    pub fn child(&self, name: &str) -> Result<Self, Error> {
        self.inside(name).map(Self)
    }

    /// The directory that is reached by these names.
    ///
    /// # Errors
    /// [`Error::BadName`] as [`Node::child`].
    pub fn below(&self, names: &[&str]) -> Result<Self, Error> {
        names.iter().try_fold(self.clone(), |node, name| node.child(name))
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Whether it is there.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn exists(&self) -> Result<bool, Error> {
        match rustix::fs::lstat(&self.0) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
            Err(errno) => Err(self.failed("look at", errno)),
        }
    }

    /// Whether the kernel has `what`, which shows as this directory; `fix` makes it so.
    ///
    /// # Errors
    /// [`Error::NoKernel`] where it has not.
    pub fn offered(&self, what: &'static str, fix: &'static str) -> Result<(), Error> {
        if self.exists()? { Ok(()) } else { Err(Error::NoKernel { what, path: self.0.clone(), fix }) }
    }

    /// Makes it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn make(&self) -> Result<bool, Error> {
        match rustix::fs::mkdir(&self.0, Mode::from_raw_mode(0o755)) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(errno) => Err(self.failed("make", errno)),
        }
    }

    /// Removes it; the kernel refuses while it is used.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn remove(&self) -> Result<bool, Error> {
        match rustix::fs::rmdir(&self.0) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(self.failed("remove", errno)),
        }
    }

    /// Removes it, unless somebody else still has something in it.
    ///
    /// # Errors
    /// [`Error::Io`] for any other reason.
    pub fn remove_unused(&self) -> Result<bool, Error> {
        match rustix::fs::rmdir(&self.0) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT | Errno::NOTEMPTY | Errno::BUSY) => Ok(false),
            Err(errno) => Err(self.failed("remove", errno)),
        }
    }

    /// The names in it, sorted; none if it is not there. What is not UTF-8 cannot be ours and is left out.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::TooMany`].
    pub fn names(&self) -> Result<Vec<String>, Error> {
        let entries = match std::fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(self.failed("list", error)),
        };
        let mut names = Vec::new();
        for entry in entries.take(MAX_ENTRIES + 1) {
            let entry = entry.map_err(|error| self.failed("list", error))?;
            names.extend(entry.file_name().into_string());
        }
        if names.len() > MAX_ENTRIES {
            return Err(Error::TooMany { path: self.0.clone(), limit: MAX_ENTRIES });
        }
        names.sort();
        Ok(names)
    }

    /// The directories in it, sorted, without its attributes and links.
    ///
    /// # Errors
    /// As [`Node::names`].
    pub fn directories(&self) -> Result<Vec<String>, Error> {
        let mut found = Vec::new();
        for name in self.names()? {
            match std::fs::symlink_metadata(self.0.join(&name)) {
                Ok(entry) if entry.is_dir() => found.push(name),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(self.failed("list", error)),
            }
        }
        Ok(found)
    }

    /// The links in it with what they lead to, as the kernel tells it, sorted.
    ///
    /// # Errors
    /// As [`Node::names`].
    pub fn links(&self) -> Result<Vec<(String, PathBuf)>, Error> {
        let with_end = |name: String| std::fs::read_link(self.0.join(&name)).ok().map(|to| (name, to));
        Ok(self.names()?.into_iter().filter_map(with_end).collect())
    }

    /// What an attribute holds, without the end of its line; `None` if there is no such attribute.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn read(&self, attribute: &str) -> Result<Option<String>, Error> {
        let path = self.inside(attribute)?;
        let failed = |source: io::Error| Error::Io { doing: "read", path: path.clone(), source };
        let file = match rustix::fs::open(&path, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty()) {
            Ok(fd) => File::from(fd),
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(failed(errno.into())),
        };
        let mut bytes = Vec::new();
        file.take(MAX_ATTRIBUTE).read_to_end(&mut bytes).map_err(failed)?;
        Ok(Some(String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\0']).to_owned()))
    }

    /// Writes an attribute, at once: configfs takes each write for the whole value.
    ///
    /// # Errors
    /// [`Error::Io`], which does not tell the value.
    pub fn write(&self, attribute: &str, value: &str) -> Result<(), Error> {
        let path = self.inside(attribute)?;
        let failed = |source: io::Error| Error::Io { doing: "write", path: path.clone(), source };
        // Never CREATE: outside configfs, as inside, a wrong name is an error.
        let flags = OFlags::WRONLY | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = rustix::fs::open(&path, flags, Mode::empty()).map_err(|errno| failed(errno.into()))?;
        match File::from(fd).write(value.as_bytes()) {
            Ok(written) if written == value.len() => Ok(()),
            Ok(_) => Err(Error::NotTaken { path }),
            Err(error) => Err(failed(error)),
        }
    }

    /// Writes an attribute, unless it holds the value already.
    ///
    /// # Errors
    /// As [`Node::write`].
    pub fn set(&self, attribute: &str, value: &str) -> Result<bool, Error> {
        if self.read(attribute)?.as_deref() == Some(value) {
            return Ok(false);
        }
        self.write(attribute, value)?;
        Ok(true)
    }

    /// Says that this object uses another: makes the link `name`, and takes away every other link in this directory.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn link_only(&self, name: &str, to: &Self) -> Result<bool, Error> {
        let mut there = false;
        let mut changed = false;
        for (found, leads_to) in self.links()? {
            if found == name && same_object(&leads_to, &to.0) {
                there = true;
            } else {
                changed |= self.unlink(&found)?;
            }
        }
        if !there {
            changed |= self.link(name, to)?;
        }
        Ok(changed)
    }

    /// Says that this object uses another.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn link(&self, name: &str, to: &Self) -> Result<bool, Error> {
        let path = self.inside(name)?;
        match rustix::fs::symlink(&to.0, &path) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(errno) => Err(Error::Io { doing: "link", path, source: errno.into() }),
        }
    }

    /// Says that this object uses another no longer.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn unlink(&self, name: &str) -> Result<bool, Error> {
        let path = self.inside(name)?;
        match rustix::fs::unlink(&path) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(false),
            Err(errno) => Err(Error::Io { doing: "unlink", path, source: errno.into() }),
        }
    }

    /// Takes away all links in this directory.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn unlink_all(&self) -> Result<bool, Error> {
        self.links()?.iter().try_fold(false, |changed, (name, _)| Ok(changed | self.unlink(name)?))
    }

    fn inside(&self, name: &str) -> Result<PathBuf, Error> {
        let rule = "it is one name of 1 to 255 bytes, without '/'";
        let leads_away = matches!(name, "" | "." | "..") || name.contains(['/', '\0']);
        if leads_away || name.len() > MAX_NAME {
            return Err(Error::BadName { what: "a name in configfs", text: name.to_owned(), rule });
        }
        Ok(self.0.join(name))
    }

    fn failed(&self, doing: &'static str, source: impl Into<io::Error>) -> Error {
        Error::Io { doing, path: self.0.clone(), source: source.into() }
    }
}

/// Whether two paths end in the same two names. The kernel tells a link's end relative to the link; what follows the
/// group, its type and its name, says which object it is.
fn same_object(told: &Path, meant: &Path) -> bool {
    let end = |path: &Path| -> Vec<_> { path.iter().rev().take(2).map(ToOwned::to_owned).collect() };
    end(told) == end(meant)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Node;

    #[test]
    fn no_name_leads_out_of_the_root() {
        let root = Node::root(Path::new("/nowhere")).expect("absolute");
        for bad in ["", ".", "..", "a/b", "/etc", "../etc", "a\0b", &"x".repeat(256)] {
            assert!(root.child(bad).is_err(), "{bad:?}");
            assert!(root.write(bad, "1").is_err(), "{bad:?}");
        }
        assert!(Node::root(Path::new("config")).is_err());
    }

    #[test]
    fn attributes_are_never_made_and_links_are_never_written_through() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = Node::root(directory.path()).expect("absolute");
        assert!(root.write("absent", "1").is_err());
        assert_eq!(root.read("absent").expect("looks"), None);
        std::fs::write(directory.path().join("file"), "0\n").expect("writes");
        std::os::unix::fs::symlink("file", directory.path().join("link")).expect("links");
        assert!(root.write("link", "1").is_err());
        assert!(root.set("file", "1").expect("sets"));
        assert!(!root.set("file", "1").expect("is set"));
        assert_eq!(root.read("file").expect("reads").as_deref(), Some("1"));
    }

    #[test]
    fn steps_say_whether_they_changed_anything() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = Node::root(directory.path()).expect("absolute");
        let (user, used, other) = (root.child("user"), root.child("used"), root.child("other"));
        let (user, used, other) = (user.expect("a name"), used.expect("a name"), other.expect("a name"));
        for node in [&user, &used, &other] {
            assert!(node.make().expect("makes"));
            assert!(!node.make().expect("is there"));
        }
        assert!(user.link_only("it", &other).expect("links"));
        assert!(user.link_only("it", &used).expect("links anew"));
        assert!(!user.link_only("it", &used).expect("is linked"));
        assert!(user.unlink_all().expect("unlinks"));
        assert!(user.remove().expect("removes"));
        assert!(!user.remove().expect("is gone"));
        assert_eq!(user.names().expect("lists"), Vec::<String>::new());
    }
}
