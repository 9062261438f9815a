//! LVM's program breaks at a command that only reads.

use ashlar_common::{
    driver::{AccessMode, AttachmentSpec, Connector, Detach, Driver, Kind, Result as Answer, VolumeRef},
    ids::AttachmentId,
};
use ashlar_driver_lvm::LvmDriver;
use serde_json::json;

use crate::{
    bench::{Bench, SIZE, clear, create, ctx, ensure, not_done, refused, spec},
    failure::Result,
    tool::{Fault, Tool},
};

const READS: [&str; 4] = ["stats", "inspect", "list", "attach"];

async fn read(driver: &LvmDriver, volume: &VolumeRef, what: &str) -> Answer<()> {
    match what {
        "stats" => driver.stats(&ctx()).await.map(drop),
        "inspect" => driver.inspect(&ctx(), volume).await.map(drop),
        "list" => driver.list(&ctx()).await.map(drop),
        _ => {
            let connector = Connector([("host".to_owned(), "client".into())].into_iter().collect());
            let spec = AttachmentSpec { id: AttachmentId::new(), connector, mode: AccessMode::ReadWrite };
            driver.attach(&ctx(), volume, &spec).await.map(drop)
        }
    }
}

/// Each read is refused once, as one that nobody knows the answer of, and answered when it is asked again.
async fn check(thin: bool, fault: Fault) -> Result {
    let (bench, tool) = (Bench::new(thin)?, Tool::new().await?);
    let driver = bench.open(&json!({ "lvm_program": tool.path() })).await?;
    let volume = create(&driver, SIZE).await?;
    for what in READS {
        let report = if what == "stats" && !thin { "vgs" } else { "lvs" };
        tool.arm(fault, report)?;
        let answer = read(&driver, &volume, what).await;
        tool.was_met().map_err(|error| format!("{what}, {fault:?}: {error}"))?;
        // Where the group seems to have gone, statistics look for it again, and there it is.
        if fault == Fault::Lie && what == "stats" {
            answer.map_err(|error| format!("{what}, {fault:?}: {}", error.chain()))?;
        } else {
            refused(&format!("{what}, {fault:?}"), answer, Kind::Unavailable)?;
        }
        let again = read(&driver, &volume, what).await;
        again.map_err(|error| format!("{what} after {fault:?}: {}", error.chain()))?;
    }
    ensure(driver.list(&ctx()).await?.volumes.len() == 1, "the volume is listed")?;
    driver.detach(&ctx(), &volume, Detach::All).await?;
    clear(&driver).await?;
    bench.is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_only_says_that_all_is_well_is_never_believed() -> Result {
    for thin in [true, false] {
        let (bench, tool) = (Bench::new(thin)?, Tool::new().await?);
        let driver = bench.open(&json!({ "lvm_program": tool.path() })).await?;
        let (volume, wanted) = (create(&driver, SIZE).await?, spec(SIZE)?);
        tool.lies(true)?;
        for what in READS {
            refused(what, read(&driver, &volume, what).await, Kind::Unavailable)?;
        }
        not_done("create", driver.create(&ctx(), &wanted).await)?;
        not_done("delete", driver.delete(&ctx(), &volume).await)?;
        tool.lies(false)?;
        ensure(driver.list(&ctx()).await?.volumes.len() == 1, "what was there is there, and nothing else")?;
        driver.create(&ctx(), &wanted).await?;
        clear(&driver).await?;
        bench.is_empty()?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_the_next_read_is_answered() -> Result {
    check(true, Fault::Crash).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_torn_report_is_no_answer() -> Result {
    check(false, Fault::Torn).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_report_makes_nobody_forget_a_thin_volume() -> Result {
    check(true, Fault::Lie).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_report_makes_nobody_forget_a_thick_volume() -> Result {
    check(false, Fault::Lie).await
}
