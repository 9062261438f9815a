//! Programs in place of LVM that behave as LVM must not: what LVM does is seen on volume groups.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use ashlar_common::{
    driver::{Classified, Kind, OpCtx},
    exec::Program,
    ids::OpId,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::Lane;
use crate::{
    error::Error,
    lvm::{command::Command, report::Answer, shell::Tools},
};

const LONG: Duration = Duration::from_secs(60);

fn ctx(limit: Duration) -> OpCtx {
    OpCtx::new(OpId::new(), limit, CancellationToken::new())
}

/// A shell that answers well, but for the first command of name `lvcreate` or `lvs` ever, which it answers by `first`.
fn lane(first: &str, limit: Duration) -> (TempDir, Lane) {
    let home = tempfile::tempdir().expect("a directory");
    let path = home.path().join("lvm");
    let script = format!(
        "#!/bin/sh\nok() {{ printf '{{\"log\":[{{\"log_type\":\"status\",\"log_context\":\"shell\",\
         \"log_object_name\":\"%s\",\"log_ret_code\":\"1\"}}]}}\\n' \"$1\"; }}\n\
         while read -r name rest; do\n\
         if [ \"$name\" != version ] && mkdir {:?} 2>/dev/null; then {first}\n else ok \"$name\"; fi; done\n",
        home.path().join("once")
    );
    fs::write(&path, script).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("allowed");
    let tools = Tools {
        lvm: Program::at("lvm", path).expect("executable"),
        flock: Program::find("flock").expect("every system has it"),
        system_dir: home.path().to_owned(),
        lock: Some(home.path().join("lock")),
    };
    let lane = Lane::new("vg0".parse().expect("a name"), tools, limit, Arc::new(AtomicU64::new(1)));
    (home, lane)
}

/// What comes of it where it reads and where it changes something; the lane works on afterwards.
async fn check(first: &str, limit: Duration, expected: [Option<Kind>; 2]) -> Vec<Result<Answer, Error>> {
    let mut came = Vec::new();
    for (command, expected) in [Command::reads("lvs"), Command::changes("lvcreate")].into_iter().zip(expected) {
        let (_home, lane) = lane(first, limit);
        let answer = lane.ask(&ctx(LONG), command.clone()).await;
        assert_eq!(answer.as_ref().err().map(Classified::kind), expected, "{first}: {answer:?}");
        assert!(lane.ask(&ctx(LONG), command).await.expect("recovered").done);
        came.push(answer);
    }
    came
}

const LOST: [Option<Kind>; 2] = [Some(Kind::Unavailable), Some(Kind::Indeterminate)];

#[tokio::test]
async fn a_crash_leaves_effects_unknown_and_the_next_command_a_new_shell() {
    check("kill -SEGV $$", LONG, LOST).await;
    check("exit 1", LONG, LOST).await;
}

#[tokio::test]
async fn a_hang_is_ended_in_time() {
    check("sleep 600", Duration::from_millis(300), LOST).await;
}

#[tokio::test]
async fn what_is_no_whole_report_is_no_answer() {
    check("printf '{\"log\": ['; exit 0", LONG, LOST).await;
    check("echo '{\"log\": [,]}'", LONG, LOST).await;
    check("ok pvremove", LONG, LOST).await;
    check("printf '{\"log\": ['", Duration::from_millis(300), LOST).await;
}

#[tokio::test]
async fn warnings_beside_the_report_do_no_harm() {
    for answer in check("echo 'WARNING: {\"log' >&2; ok $name", LONG, [None, None]).await {
        assert!(answer.expect("answered").done);
    }
}

#[tokio::test]
async fn a_command_goes_on_when_its_caller_has_gone() {
    let (home, lane) = lane("sleep 1; touch \"$0.done\"; ok $name", LONG);
    let command = Command::changes("lvcreate");
    // The shell is up by then.
    lane.ask(&ctx(LONG), Command::reads("version")).await.expect("answered");
    let left = lane.ask(&ctx(Duration::from_millis(100)), command.clone()).await.expect_err("no time");
    assert_eq!(left.kind(), Kind::Indeterminate);
    let waits = lane.ask(&ctx(Duration::from_millis(10)), command.clone()).await.expect_err("the lane is taken");
    assert_eq!(waits.kind(), Kind::Unavailable);
    assert!(lane.ask(&ctx(LONG), command).await.expect("free again").done);
    assert!(home.path().join("lvm.done").exists());
}
