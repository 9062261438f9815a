//! Which process changes the volume group.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use ashlar_common::driver::OpCtx;
use rustix::{fs::FlockOperation, io::Errno};

use crate::{error::Error, names::VgName};

/// Held while this lives. The kernel lets go of it when the process dies, however it dies.
#[derive(Debug)]
pub(crate) struct HostLock(#[expect(dead_code, reason = "open for as long as the lock is held")] File);

impl HostLock {
    /// Takes it, without waiting.
    ///
    /// # Errors
    /// [`Error::OtherHost`], [`Error::Io`].
    pub(crate) async fn take(ctx: &OpCtx, state: &Path, vg: &VgName) -> Result<Self, Error> {
        let (path, vg) = (state.join("host.lock"), vg.clone());
        // The error stays what it is: that another process has it is not the end of opening.
        ctx.blocking(move |_| Ok(lock(&path, vg))).await?
    }
}

fn lock(path: &Path, vg: VgName) -> Result<HostLock, Error> {
    let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = opened.map_err(|source| Error::io(format!("open {}", path.display()), source))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(HostLock(file)),
        Err(Errno::WOULDBLOCK) => Err(Error::OtherHost { vg }),
        Err(errno) => Err(Error::io(format!("lock {}", path.display()), errno)),
    }
}

#[cfg(test)]
mod tests {
    use super::lock;
    use crate::error::Error;

    #[test]
    fn one_has_it_until_it_lets_go() {
        let scratch = tempfile::tempdir().expect("a directory");
        let path = scratch.path().join("host.lock");
        let vg = || "vg0".parse().expect("a name");
        let first = lock(&path, vg()).expect("free");
        assert!(matches!(lock(&path, vg()), Err(Error::OtherHost { .. })));
        drop(first);
        lock(&path, vg()).expect("free again");
    }
}
