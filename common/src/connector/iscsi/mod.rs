//! iSCSI, through open-iscsi's `iscsiadm` and the kernel's sysfs.
//!
//! What is true is read from sysfs alone; `iscsiadm` is told what to do, and judged by its exit code. Facts of
//! open-iscsi (2.0.874 to 2.1.9) that this is built on, each with where it is used:
//! - A record of a target is a file of `name = value` lines, which `iscsiadm` reads again at each log-in ([`records`]).
//! - `node.session.scan = manual` keeps iscsid from scanning for all units of a target at log-in. Without it, a unit
//!   that another process just deleted comes back ([`records`]).
//! - With a unit's number written to its host's `scan` file, that unit alone is looked for ([`sysfs`]).
//! - A log-out destroys the session in the kernel, with all of its devices, and everything that waits for them fails:
//!   it is the way to be rid of a target that is gone ([`detach`]).

mod admin;
mod attach;
mod detach;
mod records;
mod sysfs;
mod told;

use std::time::Duration;

use super::{apart::apart, connectors::Machine, error::Error};
use crate::{
    driver::{ConnectionInfo, OpCtx},
    units::ByteCount,
};

/// How long the kernel may take for one request to a unit that answers.
const REQUEST: Duration = Duration::from_secs(30);
/// How often sysfs is looked at while something is waited for.
const STEP: Duration = Duration::from_millis(50);

/// The connector of the protocol `iscsi`.
#[derive(Clone, Debug)]
pub(super) struct Iscsi {
    /// After how long without its target a session's requests fail.
    pub(super) patience: Duration,
}

impl Default for Iscsi {
    fn default() -> Self {
        Self { patience: Duration::from_secs(30) }
    }
}

impl Iscsi {
    pub(super) async fn rescan(
        &self,
        ctx: &OpCtx,
        machine: &Machine,
        info: &ConnectionInfo,
    ) -> Result<ByteCount, Error> {
        let told = told::Told::of(info)?;
        let mut size = None;
        for route in &told.routes {
            for session in sysfs::sessions(&machine.sys, &route.iqn)? {
                for unit in session.units()?.into_iter().filter(|unit| unit.lun == route.lun) {
                    refresh(ctx, &unit).await?;
                    size = size.or(unit.size()?);
                }
            }
        }
        let route = told.first();
        size.ok_or_else(|| Error::NoUnit { target: route.iqn.clone(), lun: route.lun, seconds: 0 })
    }
}

/// Has the kernel ask the unit for its size and serial anew, which also proves that it answers.
async fn refresh(ctx: &OpCtx, unit: &sysfs::Unit) -> Result<(), Error> {
    let (folder, asked) = (unit.folder.clone(), unit.clone());
    apart(ctx, REQUEST, "rescan", &folder, move || asked.rescan()).await
}
