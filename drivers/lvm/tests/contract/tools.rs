//! LVM's program breaks at a command that changes something.

use ashlar_common::driver::{Driver, Kind};
use serde_json::json;

use crate::{
    bench::{Bench, clear, ctx, ensure, refused},
    failure::Result,
    steps::{Act, Ground},
    tool::{Fault, Tool},
};

/// Every call that changes something, and the commands that it takes, each of which breaks once.
const THIN: &[(Act, &str)] = &[
    (Act::Create, "lvcreate"),
    (Act::Extend, "lvextend"),
    (Act::Extend, "lvchange"),
    (Act::Snapshot, "lvcreate"),
    (Act::FromSnapshot, "lvcreate"),
    (Act::Clone, "lvcreate"),
    (Act::Revert, "lvcreate"),
    (Act::Revert, "lvrename"),
    (Act::Revert, "lvrename --yes * new-"),
    (Act::Revert, "lvremove"),
    (Act::DeleteSnapshot, "lvremove"),
    (Act::Delete, "lvremove"),
];
const THICK: &[(Act, &str)] = &[
    (Act::Create, "lvcreate"),
    (Act::Create, "lvrename"),
    (Act::Snapshot, "lvcreate"),
    (Act::FromSnapshot, "lvcreate"),
    (Act::FromSnapshot, "lvrename"),
    (Act::Clone, "lvcreate"),
    (Act::Clone, "lvcreate --yes --type"),
    (Act::Clone, "lvrename"),
    (Act::Clone, "lvremove"),
    (Act::Revert, "lvchange"),
    (Act::DeleteSnapshot, "lvremove"),
    (Act::Extend, "lvextend"),
    (Act::Delete, "lvremove"),
];

/// Of those, some of each kind, for what does not differ from one to the other.
const SOME_THIN: &[(Act, &str)] = &[
    (Act::Create, "lvcreate"),
    (Act::Extend, "lvchange"),
    (Act::Revert, "lvrename --yes * new-"),
    (Act::Delete, "lvremove"),
];
const SOME_THICK: &[(Act, &str)] =
    &[(Act::Create, "lvrename"), (Act::Clone, "lvremove"), (Act::Revert, "lvchange"), (Act::Delete, "lvremove")];

/// Breaks each command once; the call answers as it must, and made again does what it is to do.
async fn check(thin: bool, commands: &[(Act, &str)], fault: Fault, expected: Option<Kind>) -> Result {
    let (bench, tool) = (Bench::new(thin)?, Tool::new().await?);
    let driver = bench.open(&json!({ "lvm_program": tool.path() })).await?;
    let mut ground = Ground::new(&driver).await?;
    for (act, command) in commands {
        let what = format!("{act:?}, {fault:?} at {command}");
        let call = ground.call(*act)?;
        tool.arm(fault, command)?;
        let answer = ground.run(&driver, &call).await;
        tool.was_met().map_err(|error| format!("{what}: {error}"))?;
        // What had been done already may be all that was asked for; else it is said that it is not.
        let takes_away = *act == Act::Clone && *command == "lvremove";
        match expected.filter(|_| !takes_away) {
            Some(kind) => drop(refused(&what, answer, kind)?),
            None => answer.map_err(|error| format!("{what}: {}", error.chain()))?,
        }
        let again = ground.run(&driver, &call).await;
        again.map_err(|error| format!("{what}, again: {}", error.chain()))?;
        bench.is_tidy().map_err(|error| format!("{what}, again: {error}"))?;
    }
    clear(&driver).await?;
    bench.is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_thin_work_leaves_the_outcome_unknown() -> Result {
    check(true, THIN, Fault::Crash, Some(Kind::Indeterminate)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_thick_work_leaves_the_outcome_unknown() -> Result {
    check(false, THICK, Fault::Crash, Some(Kind::Indeterminate)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_thin_work_is_settled_by_a_look() -> Result {
    check(true, SOME_THIN, Fault::CrashLate, None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_thick_work_is_settled_by_a_look() -> Result {
    check(false, SOME_THICK, Fault::CrashLate, None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_report_of_thin_work_is_settled_by_a_look() -> Result {
    check(true, SOME_THIN, Fault::Torn, None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_report_of_thick_work_is_settled_by_a_look() -> Result {
    check(false, SOME_THICK, Fault::Torn, None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn success_that_is_none_is_found_out_thin() -> Result {
    check(true, SOME_THIN, Fault::Lie, Some(Kind::Fatal)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn success_that_is_none_is_found_out_thick() -> Result {
    check(false, SOME_THICK, Fault::Lie, Some(Kind::Fatal)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn warnings_on_standard_error_change_nothing() -> Result {
    let (bench, tool) = (Bench::new(true)?, Tool::new().await?);
    tool.warns()?;
    let driver = bench.open(&json!({ "lvm_program": tool.path() })).await?;
    let mut ground = Ground::new(&driver).await?;
    for (act, _) in THIN {
        let call = ground.call(*act)?;
        let answer = ground.run(&driver, &call).await;
        answer.map_err(|error| format!("{act:?}: {}", error.chain()))?;
    }
    ensure(driver.list(&ctx()).await?.volumes.len() > 1, "what was made is listed")?;
    clear(&driver).await?;
    bench.is_empty()
}
