//! Machines that stand for many processes.

use std::{
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::kernel::Kernel;
use crate::{
    error::Result,
    folder::Folder,
    process,
    standing::{self, Lab},
};

const KILL_LIMIT: Duration = Duration::from_secs(60);

/// What is known of a lab for LVM that `cargo xtask lab up` raised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lvm {
    /// On which kernel programs run, and why on that.
    pub kernel: Kernel,
    /// How many machines there are; none with the host's kernel.
    pub machines: usize,
    /// Where their keeper listens.
    pub socket: PathBuf,
}

/// That, and who keeps it.
pub type Standing = standing::Standing<Lvm>;

impl Lab for Lvm {
    const NAME: &'static str = "lvm";

    fn answers(&self) -> bool {
        matches!(self.kernel, Kernel::Host { .. }) || UnixStream::connect(&self.socket).is_ok()
    }

    fn kill(&self) -> Result<()> {
        let Some(within) = self.socket.parent() else { return Ok(()) };
        for folder in Folder::all(within)? {
            process::kill_all(&folder, KILL_LIMIT)?;
        }
        Ok(())
    }

    fn sweep(folder: &Path) -> Result<()> {
        for left in Folder::leftovers(folder)? {
            process::kill_all(left.path(), KILL_LIMIT)?;
            left.remove()?;
        }
        Ok(())
    }
}
