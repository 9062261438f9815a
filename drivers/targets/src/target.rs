//! The trait of targets.

use ashlar_common::driver::ConnectionInfo;

use crate::{
    error::Error,
    export::{Export, ExportName},
};

/// A way to reach block devices of this machine from others.
///
/// All calls write into configfs and may block: `withdraw` waits until the requests that clients have under way have
/// ended, and these wait for the device. Call them on blocking threads, and give up waiting at a deadline; a call that
/// was given up goes on, so that no other for the same export may begin before it has ended.
///
/// Calls for different exports may run at once.
pub trait Target: Send + Sync {
    /// Whether this machine's kernel has the target.
    ///
    /// # Errors
    /// [`Error::NoKernel`] with what to do.
    fn available(&self) -> Result<(), Error>;

    /// Makes the export, or finds it made, from any half-made state; `true` if it changed anything. An export of
    /// that name that differs (another device, another client) is made as asked.
    ///
    /// # Errors
    /// What of it was made before an error stays, for [`Target::withdraw`] to remove.
    fn ensure(&self, export: &Export) -> Result<bool, Error>;

    /// Removes the export: clients are cut off first, at once, then everything of it goes, from any half-made
    /// state; `true` if anything was there.
    ///
    /// # Errors
    /// What could be removed is; the call may be repeated.
    fn withdraw(&self, name: ExportName) -> Result<bool, Error>;

    /// The exports of this backend that are there, whole or half-made, sorted.
    ///
    /// # Errors
    /// When configfs cannot be read; an answer is never in part.
    fn list(&self) -> Result<Vec<ExportName>, Error>;

    /// What the client needs to connect, in os-brick's words. Always the same for the same export.
    fn connection(&self, export: &Export) -> ConnectionInfo;
}
