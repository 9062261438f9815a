//! From connection information to a block device.

use std::{
    fs::File,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::{
    fs::{major, minor},
    io::Errno,
};
use tokio::time::{Instant, sleep};

use super::{
    Iscsi, REQUEST, STEP, admin, detach, records, refresh,
    sysfs::{self, Session, Unit},
    told::{Route, Told},
};
use crate::{
    connector::{
        apart::apart,
        connectors::{Attached, Machine},
        error::{Doing, Error},
        lock, properties,
    },
    driver::{ConnectionInfo, OpCtx},
    exec::{ExecError, Lookup, Program},
};

/// How long a session that lost its target may take to come back by itself before it is made anew.
const COME_BACK: Duration = Duration::from_secs(10);
/// How long a unit may take to show after it was looked for.
const SHOW: Duration = Duration::from_secs(20);
/// How often a unit that does not show is looked for.
const AGAIN: Duration = Duration::from_secs(2);

impl Iscsi {
    /// By the first of the ways that works. Without multipath a second device of the same volume is a trap: LVM finds
    /// its volumes twice, and whoever opens the other one reads past the cache of the first. So the other ways are kept
    /// for when the first fails, and no session is held on them.
    pub(in crate::connector) async fn attach(
        &self,
        ctx: &OpCtx,
        machine: &Machine,
        info: &ConnectionInfo,
    ) -> Result<Attached, Error> {
        let told = Told::of(info)?;
        let mut locks = Vec::new();
        for target in told.targets() {
            locks.push(lock::hold(ctx, &machine.locks, target).await?);
        }
        let mut failed = None;
        for route in in_order(machine, &told)? {
            match self.by(ctx, machine, &told, route).await {
                Ok(attached) => return Ok(attached),
                // Nobody has the time for another, nor for taking this one apart: that is left to `detach`.
                Err(error) if ctx.check().is_err() => return Err(error),
                Err(error) => {
                    tracing::warn!(target = route.iqn, portal = %route.portal, %error, "cannot attach by this portal");
                    let left = detach::end_route(ctx, machine, route, detach::How::Made).await;
                    if let Err(error) = left {
                        tracing::warn!(target = route.iqn, portal = %route.portal, %error, "left half attached");
                    }
                    failed = Some(error);
                }
            }
        }
        let Some(error) = failed else { return Err(Error::told("target_portal", "is missing")) };
        if !matches!(error, Error::Exec(_)) {
            return Err(error);
        }
        let tried = told.routes.iter().map(|route| route.portal.to_string()).collect::<Vec<_>>().join(", ");
        Err(Error::Unreachable { target: told.first().iqn.clone(), tried, source: Box::new(error) })
    }

    async fn by(&self, ctx: &OpCtx, machine: &Machine, told: &Told, route: &Route) -> Result<Attached, Error> {
        let session = self.session(ctx, machine, told, route).await?;
        let unit = checked_unit(ctx, told, route, &session).await?;
        let path = node(ctx, machine, route, &unit).await?;
        if told.read_only && !unit.is_read_only()? {
            // The target should refuse writes; this host does so too, before they fill its cache.
            let blockdev = Program::find_with("blockdev", Lookup { package: Some("util-linux"), path: None })?;
            blockdev.run(["--setro".into(), path.clone().into_os_string()]).output(&ctx.within(REQUEST)).await?;
        }
        let missing = || no_unit(route, SHOW);
        Ok(Attached { size: unit.size()?.ok_or_else(missing)?, read_only: unit.is_read_only()?, path })
    }

    /// A session at this portal that is logged in.
    async fn session(&self, ctx: &OpCtx, machine: &Machine, told: &Told, route: &Route) -> Result<Session, Error> {
        if let Some(session) = at(machine, route)? {
            let until = Instant::now() + COME_BACK;
            while !session.is_logged_in() && session.is_there() && Instant::now() < until {
                ctx.bounded(sleep(STEP)).await?;
            }
            if session.is_logged_in() {
                return Ok(session);
            }
            // What it was logged in at is not there any more. With another secret, or exported anew, it may be.
            if session.is_there() && session.units()?.iter().all(|unit| unit.lun == route.lun) {
                admin::logout(ctx, session.id).await?;
            }
        }
        if records::find(machine, route)?.is_empty() {
            admin::new_record(ctx, route).await.map_err(|source| of_database(machine, source))?;
        }
        let found = records::find(machine, route)?;
        if found.is_empty() {
            return Err(Error::NoRecords { looked: looked(machine) });
        }
        let settings = records::settings(told.chap.as_ref(), self.patience);
        for record in found {
            record.settle(&settings)?;
        }
        if let Err(source) = admin::login(ctx, route).await {
            return Err(match source.exit_code() {
                Some(admin::NO_DAEMON) => Error::NoDaemon { source },
                Some(admin::AUTH_FAILED) => {
                    let initiator = properties::initiator(machine)?.unwrap_or_default();
                    Error::Refused { target: route.iqn.clone(), initiator, source }
                }
                _ => of_database(machine, source),
            });
        }
        let until = Instant::now() + COME_BACK;
        loop {
            match at(machine, route)? {
                Some(session) if session.is_logged_in() => return Ok(session),
                _ if Instant::now() >= until => return Err(no_unit(route, COME_BACK)),
                _ => ctx.bounded(sleep(STEP)).await?,
            }
        }
    }
}

/// Those with the unit first, so that asking again gives the same device.
fn in_order<'a>(machine: &Machine, told: &'a Told) -> Result<Vec<&'a Route>, Error> {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for route in &told.routes {
        let has = match at(machine, route)? {
            Some(session) => session.unit(route.lun)?.is_some(),
            None => false,
        };
        if has { with.push(route) } else { without.push(route) }
    }
    with.append(&mut without);
    Ok(with)
}

/// The session with the route's target at its portal.
pub(super) fn at(machine: &Machine, route: &Route) -> Result<Option<Session>, Error> {
    Ok(sysfs::sessions(&machine.sys, &route.iqn)?.into_iter().find(|session| session.portal == Some(route.portal)))
}

/// What `iscsiadm` failed with, where that may be its database.
fn of_database(machine: &Machine, source: ExecError) -> Error {
    match source.exit_code() {
        Some(admin::DATABASE) => Error::Database { looked: looked(machine), source },
        _ => Error::Exec(source),
    }
}

fn looked(machine: &Machine) -> String {
    machine.records.iter().map(|root| root.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn no_unit(route: &Route, waited: Duration) -> Error {
    Error::NoUnit { target: route.iqn.clone(), lun: route.lun, seconds: waited.as_secs() }
}

/// The unit, made sure to be the volume that was told.
async fn checked_unit(ctx: &OpCtx, told: &Told, route: &Route, session: &Session) -> Result<Unit, Error> {
    let known = session.unit(route.lun)?;
    if let Some(unit) = &known {
        // A unit that was exported anew under its old number has another size and serial than is remembered here.
        refresh(ctx, unit).await?;
    }
    let unit = match known {
        Some(unit) if unit.block()?.is_some() => unit,
        _ => shown_unit(ctx, route, session).await?,
    };
    let other = |unit: &Unit| match (&told.serial, unit.serial()) {
        (Some(expected), Some(found)) if *expected != found => Some((expected.clone(), found)),
        _ => None,
    };
    if other(&unit).is_none() {
        return Ok(unit);
    }
    // Perhaps only the device here is of another time.
    let (folder, stale) = (unit.folder.clone(), unit);
    apart(ctx, REQUEST, "delete", &folder, move || stale.delete()).await?;
    let unit = shown_unit(ctx, route, session).await?;
    let Some((expected, found)) = other(&unit) else { return Ok(unit) };
    let device = unit.block()?.unwrap_or_default();
    Err(Error::OtherVolume { device, target: route.iqn.clone(), lun: route.lun, found, expected })
}

/// Looks for the unit until it has a block device.
async fn shown_unit(ctx: &OpCtx, route: &Route, session: &Session) -> Result<Unit, Error> {
    let until = Instant::now() + SHOW;
    let mut next_scan = Instant::now();
    loop {
        let unit = session.unit(route.lun)?;
        match &unit {
            Some(found) if found.block()?.is_some() => return Ok(found.clone()),
            None if Instant::now() >= next_scan && Instant::now() < until => {
                let (asked, lun) = (session.clone(), route.lun);
                apart(ctx, REQUEST, "scan for", &PathBuf::from(&route.iqn), move || asked.scan(lun)).await?;
                next_scan = Instant::now() + AGAIN;
            }
            _ if Instant::now() < until => ctx.bounded(sleep(STEP)).await?,
            None => return Err(no_unit(route, SHOW)),
            Some(_) => return Err(no_disk(route)),
        }
    }
}

/// The device's node, as soon as it is that of the unit: a node of that name may still be one of before.
async fn node(ctx: &OpCtx, machine: &Machine, route: &Route, unit: &Unit) -> Result<PathBuf, Error> {
    let until = Instant::now() + SHOW;
    loop {
        if let (Some(block), Some(number)) = (unit.block()?, unit.number()?) {
            let path = machine.dev.join(block);
            let is = std::fs::metadata(&path).map(|found| format!("{}:{}", major(found.rdev()), minor(found.rdev())));
            if is.is_ok_and(|is| is == number) && opens(ctx, &path).await? {
                return Ok(path);
            }
        }
        if Instant::now() >= until {
            return Err(no_disk(route));
        }
        ctx.bounded(sleep(STEP)).await?;
    }
}

/// Node and attributes are there a moment before the disk can be opened.
async fn opens(ctx: &OpCtx, path: &Path) -> Result<bool, Error> {
    let node = path.to_owned();
    let open = move || match File::open(&node) {
        Ok(_) => Ok(true),
        Err(error) if [Errno::NXIO, Errno::NOENT, Errno::NODEV].map(Some).contains(&Errno::from_io_error(&error)) => {
            Ok(false)
        }
        Err(error) => Err(error).doing("open", &node),
    };
    apart(ctx, REQUEST, "open", path, open).await
}

fn no_disk(route: &Route) -> Error {
    Error::NoDisk { target: route.iqn.clone(), lun: route.lun }
}
