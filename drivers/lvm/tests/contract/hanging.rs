//! A tool that hangs holds up who waits for it, in bounded time, and nobody else.

use std::{sync::Arc, time::Duration};

use ashlar_common::driver::{Driver, Kind, Outcome};
use serde_json::json;

use crate::{
    bench::{Bench, SIZE, clear, create, ctx, ensure, refused, spec, unchanged, within},
    failure::Result,
    tool::{Fault, Tool},
};

/// Far more than a command takes here, and little enough to be waited for.
const COMMAND_SECONDS: u32 = 12;

#[tokio::test(flavor = "multi_thread")]
async fn work_that_hangs_stops_no_report_and_no_other_backend() -> Result {
    let (bench, other, tool) = (Bench::new(true)?, Bench::new(false)?, Tool::new().await?);
    let options = json!({ "lvm_program": tool.path(), "command_timeout_seconds": COMMAND_SECONDS });
    let driver = Arc::new(bench.open(&options).await?);
    let neighbour = other.open(&json!({})).await?;
    let (volume, wanted) = (create(&driver, SIZE).await?, spec(SIZE)?);

    tool.arm(Fault::Hang, "lvcreate")?;
    let hangs = tokio::spawn({
        let (driver, wanted) = (Arc::clone(&driver), wanted.clone());
        async move { driver.create(&ctx(), &wanted).await }
    });
    tool.hangs().await?;
    driver.stats(&ctx()).await?;
    ensure(driver.inspect(&ctx(), &volume).await?.is_some(), "a volume is there beside the one that hangs")?;
    ensure(driver.list(&ctx()).await?.volumes.len() == 1, "volumes are listed")?;
    let waits = driver.create(&within(Duration::from_secs(1)), &spec(SIZE)?).await;
    refused("work behind work that hangs, and has no time", waits, Kind::Unavailable)?;
    let beside = create(&neighbour, SIZE).await?;
    neighbour.delete(&ctx(), &beside).await?;
    ensure(!hangs.is_finished(), "all of that was while it hung")?;

    refused("work that hung", hangs.await?, Kind::Indeterminate)?;
    tool.was_met()?;
    bench.is_tidy()?;
    let made = driver.create(&ctx(), &wanted).await?;
    ensure(matches!(made, Outcome::Changed(_)), "it had not been made")?;
    unchanged("and once more", driver.create(&ctx(), &wanted).await?)?;
    clear(&driver).await?;
    bench.is_empty()?;
    other.is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_that_hang_end_with_their_caller() -> Result {
    let (bench, tool) = (Bench::new(false)?, Tool::new().await?);
    let options = json!({ "lvm_program": tool.path(), "command_timeout_seconds": COMMAND_SECONDS });
    let driver = bench.open(&options).await?;
    let volume = create(&driver, SIZE).await?;
    let short = || within(Duration::from_secs(2));

    tool.arm(Fault::Hang, "vgs")?;
    refused("statistics that hang", driver.stats(&short()).await, Kind::Unavailable)?;
    tool.was_met()?;
    ensure(driver.inspect(&ctx(), &volume).await?.is_some(), "volumes are looked at meanwhile or soon")?;
    driver.stats(&ctx()).await?;

    tool.arm(Fault::Hang, "lvs")?;
    refused("a look that hangs", driver.inspect(&short(), &volume).await, Kind::Unavailable)?;
    tool.was_met()?;
    driver.stats(&ctx()).await?;
    driver.delete(&ctx(), &volume).await?;
    ensure(driver.inspect(&ctx(), &volume).await?.is_none(), "it is gone")?;
    bench.is_empty()
}
