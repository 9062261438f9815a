//! One process of this host at a time on one target.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    time::Duration,
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use tokio::time::sleep;

use super::error::{Doing, Error};
use crate::driver::OpCtx;

const STEP: Duration = Duration::from_millis(50);

/// Held until dropped, or until the process ends in whatever way.
#[derive(Debug)]
pub(super) struct Held(#[expect(dead_code, reason = "the lock is the file's being open")] File);

/// Takes the lock of `target` in `directory`, which is made where it is missing. A log-out must not come between the
/// log-in and the scan of another unit of the same target.
pub(super) async fn hold(ctx: &OpCtx, directory: &Path, target: &str) -> Result<Held, Error> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).doing("create", directory)?;
    let path = directory.join(format!("{target}.lock"));
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = file.doing("open", &path)?;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(Held(file)),
            Err(Errno::WOULDBLOCK) => {}
            Err(errno) => return Err(errno).doing("lock", &path),
        }
        if ctx.bounded(sleep(STEP)).await.is_err() {
            return Err(Error::Locked { target: target.to_owned() });
        }
    }
}
