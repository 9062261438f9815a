//! `iscsiadm`, one function per command.

use std::time::Duration;

use tokio::time::sleep;

use super::told::Route;
use crate::{
    connector::error::Error,
    driver::OpCtx,
    exec::{ExecError, Lookup, Program, Run},
};

/// A log-in has what the record allows iscsid, and some more.
const LOGIN: Duration = Duration::from_secs(35);
/// iscsid waits 15 s for a target's answer to a log-out, then does without. Before that, the kernel ends the requests that
/// are under way: where a unit hangs while its target answers, error handling takes it some three minutes.
const LOGOUT: Duration = Duration::from_secs(240);
/// Everything that no target takes part in.
const LOCAL: Duration = Duration::from_secs(20);

/// How often something is tried while the database fails, which a walk through a large one does now and then while many
/// clients come and go; and the pauses between, which grow from the first to the last.
const TRIES: u32 = 20;
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

/// Exit codes (open-iscsi's `include/iscsi_err.h`).
const NO_SESSION: i32 = 2;
pub(super) const DATABASE: i32 = 6;
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
    let (iscsiadm, portal) = (iscsiadm()?, route.portal.to_string());
    let words = ["-m", "node", "-o", "new", "-I", "default", "-T", &route.iqn, "-p", &portal];
    despite_others(ctx, LOCAL, || iscsiadm.run(words)).await
}

/// Logs in by the record. A session that is there already is as good.
pub(super) async fn login(ctx: &OpCtx, route: &Route) -> Result<(), ExecError> {
    let (iscsiadm, portal) = (iscsiadm()?, route.portal.to_string());
    let words = ["-m", "node", "-T", &route.iqn, "-p", &portal, "--login"];
    despite_others(ctx, LOGIN, || iscsiadm.run(words).accept([SESSION_EXISTS])).await
}

/// Runs it again while open-iscsi's database fails.
///
/// `iscsiadm` looks through the folders of all targets for those it was told, without a lock, and fails when any of them is
/// gone before it is opened: a client of another target, that just detaches, is enough. It may have done its work all the
/// same. No lock of ours could prevent that: other programs delete records too, and who deletes one would have to wait for
/// every log-in that is under way, also to targets that do not answer.
async fn despite_others(ctx: &OpCtx, limit: Duration, run: impl Fn() -> Run) -> Result<(), ExecError> {
    let mut pause = PAUSES.0;
    for _ in 1..TRIES {
        match run().output(&ctx.within(limit)).await {
            Err(error) if error.exit_code() == Some(DATABASE) => {}
            ended => return ended.map(drop),
        }
        // Out of time: the last try says so.
        let _stopped = ctx.bounded(sleep(pause)).await;
        pause = (pause * 2).min(PAUSES.1);
    }
    run().output(&ctx.within(limit)).await.map(drop)
}

/// Ends one session, by its number: never those of others with the same target.
pub(super) async fn logout(ctx: &OpCtx, session: u64) -> Result<(), Error> {
    let run = iscsiadm()?.run(["-m", "session", "-r", &session.to_string(), "--logout"]);
    match run.accept([NO_SESSION, NO_OBJECTS]).output(&ctx.within(LOGOUT)).await {
        Err(source) if source.exit_code() == Some(NO_DAEMON) => Err(Error::NoDaemon { source }),
        ended => Ok(ended.map(drop)?),
    }
}
