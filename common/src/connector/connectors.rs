//! The connectors of this host, by protocol.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{error::Error, iscsi::Iscsi, path, properties};
use crate::{
    driver::{ConnectionInfo, Connector, OpCtx},
    units::ByteCount,
};

/// The protocols that are spoken here.
pub(super) const KNOWN: [&str; 3] = ["local", "file", "iscsi"];

/// A volume that this host reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The block device or file that holds the volume's bytes.
    pub path: PathBuf,
    /// As it is seen here.
    pub size: ByteCount,
    /// Whether it cannot be written to.
    pub read_only: bool,
}

/// How a detach went.
#[derive(Debug, Default)]
pub struct Detached {
    /// Why bytes that programs wrote may not have got to the volume: its target was gone, or the detach was forced.
    /// `None` is the good case: everything written is on the volume.
    pub unflushed: Option<Error>,
}

/// Where on a machine the kernel and other programs keep what connectors read. [`Machine::default`] is this one.
#[derive(Clone, Debug)]
pub struct Machine {
    /// sysfs.
    pub sys: PathBuf,
    /// Where device nodes are.
    pub dev: PathBuf,
    /// The system's configuration.
    pub etc: PathBuf,
    /// Where open-iscsi may keep its records of targets: distributions differ.
    pub records: Vec<PathBuf>,
    /// Where locks between processes are; made where missing.
    pub locks: PathBuf,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            sys: "/sys".into(),
            dev: "/dev".into(),
            etc: "/etc".into(),
            records: vec!["/etc/iscsi/nodes".into(), "/var/lib/iscsi/nodes".into()],
            locks: "/run/ashlar/connectors".into(),
        }
    }
}

/// Attaches and detaches on this host. Needs root for all but files.
///
/// Clauses, for each protocol:
/// - every call may be repeated, after an answer, an error, or a crash at any instant in between;
/// - every call ends within its `ctx`, also where the volume's target hangs or is gone;
/// - `attach` gives the device of the volume that was told, or an error: never that of another;
/// - `detach` leaves no device, session, record or secret behind, and takes nothing from other volumes;
/// - nobody but root can read a secret: it is in no argument, no log and no error.
#[derive(Clone, Debug, Default)]
pub struct Connectors {
    machine: Machine,
    iscsi: Iscsi,
}

impl Connectors {
    /// Connectors of a machine that is laid out otherwise.
    #[must_use]
    pub fn on(machine: Machine) -> Self {
        Self { machine, ..Self::default() }
    }

    /// How long programs wait for a target that does not answer until their reads and writes fail; 30 s unless said.
    /// Longer than a storage host needs to start anew, short enough that a volume that was taken away is noticed.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.iscsi.patience = patience;
        self
    }

    /// Makes the volume reachable here, and waits until it is.
    ///
    /// # Errors
    /// Every [`Error`] but `InUse` and `Unflushed`. What a failed call may have left is removed by
    /// [`Connectors::detach`].
    pub async fn attach(&self, ctx: &OpCtx, info: &ConnectionInfo) -> Result<Attached, Error> {
        match protocol(info)? {
            Protocol::Path => path::attach(ctx, info).await,
            Protocol::Iscsi => self.iscsi.attach(ctx, &self.machine, info).await,
        }
    }

    /// Flushes the volume and ends what [`Connectors::attach`] began, or the half of it. What is not attached is
    /// detached already.
    ///
    /// A target that is gone does not hold it up: when the kernel has given up the device (see
    /// [`Connectors::patience`]), the rest is taken apart by force, and [`Detached::unflushed`] says so.
    ///
    /// # Errors
    /// `InUse` while something is mounted or built on it, `Unflushed` when the target is there but what was written cannot
    /// be flushed, or not in time: nothing was changed in both cases.
    pub async fn detach(&self, ctx: &OpCtx, info: &ConnectionInfo) -> Result<Detached, Error> {
        self.end(ctx, info, false).await
    }

    /// The same for a volume that is known to be gone: what is in use or cannot be flushed at once is taken away all the same.
    ///
    /// Quick where the target is gone. Where it answers and only the unit hangs, the kernel waits for minutes: then the call
    /// ends with `ctx`, as `Indeterminate`, and goes on when it is repeated.
    ///
    /// # Errors
    /// What stands in the way even then.
    pub async fn abandon(&self, ctx: &OpCtx, info: &ConnectionInfo) -> Result<Detached, Error> {
        self.end(ctx, info, true).await
    }

    async fn end(&self, ctx: &OpCtx, info: &ConnectionInfo, force: bool) -> Result<Detached, Error> {
        match protocol(info)? {
            Protocol::Path => path::detach(ctx, info, force).await,
            Protocol::Iscsi => self.iscsi.detach(ctx, &self.machine, info, force).await,
        }
    }

    /// Looks at the size of an attached volume anew, after it was extended.
    ///
    /// # Errors
    /// `Absent` or `NoUnit` if it is not attached, and what [`Connectors::attach`] has.
    pub async fn rescan(&self, ctx: &OpCtx, info: &ConnectionInfo) -> Result<ByteCount, Error> {
        match protocol(info)? {
            Protocol::Path => Ok(path::attach(ctx, info).await?.size),
            Protocol::Iscsi => self.iscsi.rescan(ctx, &self.machine, info).await,
        }
    }

    /// What this host says of itself to a driver's `attach`, with the keys of os-brick.
    ///
    /// # Errors
    /// A file that is there but cannot be read: without the initiator's name a volume would be exported to nobody.
    pub fn properties(&self) -> Result<Connector, Error> {
        properties::of(&self.machine)
    }
}

enum Protocol {
    Path,
    Iscsi,
}

fn protocol(info: &ConnectionInfo) -> Result<Protocol, Error> {
    match info.driver_volume_type.as_str() {
        "local" | "file" => Ok(Protocol::Path),
        "iscsi" => Ok(Protocol::Iscsi),
        other => Err(Error::Protocol { protocol: other.to_owned() }),
    }
}

/// Whether it was exported for reading only.
pub(super) fn is_read_only(info: &ConnectionInfo) -> bool {
    info.data.get("access_mode").and_then(|mode| mode.as_str()) == Some("ro")
}

/// Reads a small file of text; `None` where there is none.
pub(super) fn read(path: &Path) -> Result<Option<String>, Error> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Io { doing: "read", path: path.to_owned(), source }),
    }
}
