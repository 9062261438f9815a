//! From a block device to nothing left of it.

use std::{path::PathBuf, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    Iscsi, REQUEST, STEP, admin,
    attach::at,
    records,
    sysfs::{Session, Unit},
    told::{Route, Told},
};
use crate::{
    connector::{
        apart::apart,
        connectors::{Detached, Machine},
        error::{Doing, Error},
        lock, path,
    },
    driver::{ConnectionInfo, OpCtx},
};

/// What of a call's time is kept for taking things apart after the flush: a log-out may take most of it.
const RESERVE: Duration = Duration::from_secs(60);
/// A volume's own flush, which may have gigabytes to write.
const FLUSH: Duration = Duration::from_secs(600);
/// How long a log-in that a process began which died since may take to become visible.
const ON_ITS_WAY: Duration = Duration::from_secs(3);
/// How long the kernel may take to be rid of a session after its log-out.
const GONE: Duration = Duration::from_secs(15);

/// Why a route is taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// To detach.
    Asked,
    /// To detach, whatever becomes of what was not written yet.
    Forced,
    /// It was made just now, and did not work.
    Made,
}

impl Iscsi {
    pub(in crate::connector) async fn detach(
        &self,
        ctx: &OpCtx,
        machine: &Machine,
        info: &ConnectionInfo,
        force: bool,
    ) -> Result<Detached, Error> {
        let told = Told::of(info)?;
        let mut locks = Vec::new();
        for target in told.targets() {
            locks.push(lock::hold(ctx, &machine.locks, target).await?);
        }
        // All of them are flushed before the first is taken away: a refusal must leave everything as it was.
        let mut unflushed = None;
        if !force {
            for route in &told.routes {
                if let Some(session) = at(machine, route)?
                    && let Some(unit) = session.unit(route.lun)?
                {
                    unflushed = unflushed.or(flush(ctx, machine, &session, &unit).await?);
                }
            }
        } else if told.routes.iter().any(|route| matches!(at(machine, route), Ok(Some(_)))) {
            unflushed = Some(Error::Way { what: "it was detached by force, without a flush".to_owned() });
        }
        let how = if force { How::Forced } else { How::Asked };
        for route in &told.routes {
            end_route(ctx, machine, route, how).await?;
        }
        Ok(Detached { unflushed })
    }
}

/// Writes out what programs wrote, unless there is nobody left to write it to: then says why not.
async fn flush(ctx: &OpCtx, machine: &Machine, session: &Session, unit: &Unit) -> Result<Option<Error>, Error> {
    let Some(block) = unit.block()? else { return Ok(None) };
    let device = machine.dev.join(block);
    let shown = device.clone();
    let rest = ctx.deadline().saturating_duration_since(Instant::now());
    let limit = FLUSH.min(rest.saturating_sub(RESERVE).max(rest / 2));
    let read_only = unit.is_read_only()?;
    let work = move || {
        let file = path::open_unused(&device)?;
        if read_only { Ok(()) } else { file.sync_all().doing("flush", &device) }
    };
    match apart(ctx, limit, "flush", &shown, work).await {
        Ok(()) => Ok(None),
        Err(error @ (Error::InUse { .. } | Error::Stopped(_))) => Err(error),
        // Slow or broken, but it is there: who wants to lose the bytes has to say so.
        Err(error) if session.is_logged_in() => Err(Error::Unflushed { path: shown, source: Box::new(error) }),
        Err(error) => Ok(Some(error)),
    }
}

/// Removes the unit, then the session and the record if no other unit of the target is in use by them.
pub(super) async fn end_route(ctx: &OpCtx, machine: &Machine, route: &Route, how: How) -> Result<(), Error> {
    let mut session = at(machine, route)?;
    if session.is_none() && how != How::Made && !records::find(machine, route)?.is_empty() {
        let until = Instant::now() + ON_ITS_WAY;
        while session.is_none() && Instant::now() < until {
            ctx.bounded(sleep(STEP)).await?;
            session = at(machine, route)?;
        }
    }
    if let Some(session) = session {
        let others = session.units()?.iter().any(|unit| unit.lun != route.lun);
        // A deletion writes out the unit's cache, and waits for that: without its target until the kernel gives up the
        // session, which a log-out makes it do now.
        if let Some(unit) = session.unit(route.lun)?
            && (others || (session.is_logged_in() && how != How::Forced))
        {
            let (folder, gone) = (PathBuf::from(&unit.folder), unit);
            match apart(ctx, REQUEST, "delete", &folder, move || gone.delete()).await {
                // It hangs on a target that hangs.
                Err(Error::Slow { .. }) if !others => {}
                ended => ended?,
            }
        }
        if others {
            return Ok(());
        }
        let ended = log_out(ctx, &session).await;
        // The secret goes in any case.
        records::remove(machine, route)?;
        return ended;
    }
    records::remove(machine, route)
}

async fn log_out(ctx: &OpCtx, session: &Session) -> Result<(), Error> {
    admin::logout(ctx, session.id).await?;
    let until = Instant::now() + GONE;
    while session.is_there() {
        if Instant::now() >= until {
            let path = PathBuf::from(format!("session {}", session.id));
            return Err(Error::Slow { doing: "the log-out of", path, seconds: GONE.as_secs() });
        }
        ctx.bounded(sleep(STEP)).await?;
    }
    Ok(())
}
