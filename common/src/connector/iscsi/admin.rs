//! `iscsiadm`, one function per command.

use std::time::Duration;

use super::told::Route;
use crate::{
    connector::error::Error,
    driver::OpCtx,
    exec::{ExecError, Lookup, Program},
};

/// A log-in has what the record allows iscsid, and some more.
const LOGIN: Duration = Duration::from_secs(35);
/// iscsid waits 15 s for a target's answer to a log-out, then does without. Before that, the kernel ends the requests that
/// are under way: where a unit hangs while its target answers, error handling takes it some three minutes.
const LOGOUT: Duration = Duration::from_secs(240);
/// Everything that no target takes part in.
const LOCAL: Duration = Duration::from_secs(20);

/// Exit codes (open-iscsi's `include/iscsi_err.h`).
const NO_SESSION: i32 = 2;
const SESSION_EXISTS: i32 = 15;
pub(super) const NO_DAEMON: i32 = 20;
const NO_OBJECTS: i32 = 21;
pub(super) const AUTH_FAILED: i32 = 24;

/// Found anew for each call, which is a few system calls beside a program's start.
fn iscsiadm() -> Result<Program, ExecError> {
    Program::find_with("iscsiadm", Lookup { package: Some("open-iscsi"), path: None })
}

/// Makes a record of the target at this portal. Discovery is not needed, since all that it would find is known.
pub(super) async fn new_record(ctx: &OpCtx, route: &Route) -> Result<(), ExecError> {
    let portal = route.portal.to_string();
    let run = iscsiadm()?.run(["-m", "node", "-o", "new", "-I", "default", "-T", &route.iqn, "-p", &portal]);
    run.output(&ctx.within(LOCAL)).await.map(drop)
}

/// Logs in by the record. A session that is there already is as good.
pub(super) async fn login(ctx: &OpCtx, route: &Route) -> Result<(), ExecError> {
    let run = iscsiadm()?.run(["-m", "node", "-T", &route.iqn, "-p", &route.portal.to_string(), "--login"]);
    run.accept([SESSION_EXISTS]).output(&ctx.within(LOGIN)).await.map(drop)
}

/// Ends one session, by its number: never those of others with the same target.
pub(super) async fn logout(ctx: &OpCtx, session: u64) -> Result<(), Error> {
    let run = iscsiadm()?.run(["-m", "session", "-r", &session.to_string(), "--logout"]);
    match run.accept([NO_SESSION, NO_OBJECTS]).output(&ctx.within(LOGOUT)).await {
        Err(source) if source.exit_code() == Some(NO_DAEMON) => Err(Error::NoDaemon { source }),
        ended => Ok(ended.map(drop)?),
    }
}
