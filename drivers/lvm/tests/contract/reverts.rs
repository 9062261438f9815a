//! Reverts of thick volumes whose callers have no more time.

use std::time::{Duration, Instant};

use ashlar_common::driver::{Driver, VolumeRef};
use ashlar_driver_lvm::{
    LvmDriver,
    locks::{Hold, Key},
    names::LvName,
    thick::refuse_reverting,
};
use serde_json::json;
use tokio::time::sleep;

use crate::bench::{Bench, SIZE, clear, create, ctx, ensure, fill, holds, snapshot_of, within};
use crate::failure::Result;

const OLD: u8 = 0x11;
const NEW: u8 = 0x22;
/// From before the first command of LVM to behind the last byte.
const INSTANTS: [u64; 8] = [2, 20, 40, 60, 80, 100, 130, 180];
const SETTLES: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_revert_that_is_given_up_at_any_instant_goes_on_to_its_end_or_never_began() -> Result {
    let bench = Bench::new(false)?;
    let driver = bench.open(&json!({})).await?;
    for instant in INSTANTS {
        let volume = create(&driver, SIZE).await?;
        let frozen = snapshot_of(&volume);
        fill(&driver, &volume, OLD, SIZE).await?;
        driver.create_snapshot(&ctx(), &frozen).await?;
        fill(&driver, &volume, NEW, SIZE).await?;
        let revert = driver.revert().ok_or("thick volumes go back")?;
        let _stopped_or_done = revert.revert(&within(Duration::from_millis(instant)), &frozen).await;
        let begun = Instant::now();
        while let Err(error) = is_whole(&driver, &volume).await {
            ensure(begun.elapsed() < SETTLES, &format!("given up after {instant} ms: {error}"))?;
            sleep(Duration::from_millis(50)).await;
        }
        clear(&driver).await?;
    }
    bench.is_empty()
}

/// Nothing is to be finished, and all bytes are of one instant.
async fn is_whole(driver: &LvmDriver, volume: &VolumeRef) -> Result {
    // What has begun holds the lock until LVM says so.
    let _locked = driver.backend().locks.lock(&ctx(), [(Key::Volume(volume.id), Hold::Alone)]).await?;
    let lv = driver.backend().lvm.lv(&ctx(), &LvName::volume(volume.id)).await?;
    refuse_reverting(&lv.ok_or("the volume is there")?)?;
    match holds(driver, volume, OLD, SIZE).await {
        Ok(()) => Ok(()),
        Err(_) => holds(driver, volume, NEW, SIZE).await,
    }
}
