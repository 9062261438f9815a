//! One host of a backend at a time on one machine. Across machines, the epoch in the store fences.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};

use crate::ids::BackendName;

/// Between two looks whether the host before this one has ended.
const PAUSE: Duration = Duration::from_millis(50);

/// Held while this process is the backend's host; the system lets go of it however the process ends.
#[derive(Debug)]
pub(super) struct HostLock(#[expect(dead_code, reason = "held for its lock")] File);

/// Waits until no other process of this machine hosts the backend. What that one had under way may still be at work
/// on the backend, so there is nothing to gain from being earlier.
pub(super) async fn acquire(run_directory: &Path, backend: &BackendName) -> io::Result<HostLock> {
    let path = run_directory.join(format!("host-{backend}.lock"));
    let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    let mut told = false;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(HostLock(file)),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                if !told {
                    tracing::info!(%backend, "another host of this backend is still ending; waiting for it");
                    told = true;
                }
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
