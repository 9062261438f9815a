//! Terminals: one for a program inside a machine, and this process's own made transparent for it.

use std::{
    fs::OpenOptions,
    io,
    os::fd::{AsFd, OwnedFd},
    os::unix::ffi::OsStrExt,
};

use rustix::{
    fs::OFlags,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{OptionalActions, Termios, Winsize, isatty, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize},
};

/// Both ends of a terminal.
pub(super) struct Pair {
    pub(super) ours: OwnedFd,
    pub(super) theirs: OwnedFd,
}

/// A terminal of so many rows and columns.
pub(super) fn open((rows, columns): (u16, u16)) -> io::Result<Pair> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let name = ptsname(&ours, Vec::new())?;
    let path = std::path::Path::new(std::ffi::OsStr::from_bytes(name.as_bytes()));
    let not_ours = i32::try_from(OFlags::NOCTTY.bits()).unwrap_or_default();
    let theirs = std::os::unix::fs::OpenOptionsExt::custom_flags(OpenOptions::new().read(true).write(true), not_ours)
        .open(path)?;
    tcsetwinsize(&ours, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 })?;
    Ok(Pair { ours, theirs: theirs.into() })
}

/// The rows and columns of the terminal there, if it is one.
pub(super) fn size(of: impl AsFd) -> Option<(u16, u16)> {
    let of = of.as_fd();
    let size = isatty(of).then(|| tcgetwinsize(of).ok())??;
    Some((size.ws_row, size.ws_col))
}

/// This process's terminal while each key goes straight to the program inside; as it was again with the end of the value.
pub(super) struct Raw(Termios);

impl Raw {
    pub(super) fn input() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Flush, &raw)?;
        Ok(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _it_is_gone = tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}
