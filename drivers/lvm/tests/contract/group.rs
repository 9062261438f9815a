//! The volume group is missing, given away, full, or its disk fails.

use ashlar_common::driver::{Classified, Driver, Kind, capability::Revert};
use ashlar_driver_lvm::LvmDriver;
use serde_json::json;

use crate::bench::{
    Bench, SIZE, bytes, clear, create, ctx, ensure, fill, holds, not_done, refused, snapshot_of, spec, unchanged,
};
use crate::failure::Result;

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_not_there_is_named_with_the_fix() -> Result {
    let bench = Bench::new(false)?;
    let config = bench.config(&json!({ "volume_group": "nosuch" }))?;
    let error = LvmDriver::open(&ctx(), config).await.err().ok_or("opened without its volume group")?;
    let text = ashlar_common::chain::chain(&error);
    ensure(error.kind() == Kind::Unavailable, &text)?;
    for word in ["nosuch", "vgcreate", "`volume_group`"] {
        ensure(text.contains(word), &format!("{word} is not in: {text}"))?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_given_away_is_unavailable_until_it_is_back() -> Result {
    let bench = Bench::new(false)?;
    let driver = bench.open(&json!({})).await?;
    let volume = create(&driver, SIZE).await?;
    let name = bench.group.name();
    bench.group.lvm(&[&format!("vgchange -an {name}"), &format!("vgexport {name}")])?;
    let said = refused("stats", driver.stats(&ctx()).await, Kind::Unavailable)?;
    ensure(said.contains("vgimport"), &said)?;
    let wanted = spec(SIZE)?;
    refused("inspect", driver.inspect(&ctx(), &volume).await, Kind::Unavailable)?;
    refused("list", driver.list(&ctx()).await, Kind::Unavailable)?;
    not_done("create", driver.create(&ctx(), &wanted).await)?;
    not_done("delete", driver.delete(&ctx(), &volume).await)?;
    bench.group.lvm(&[&format!("vgimport {name}"), &format!("vgchange -ay {name}")])?;
    driver.stats(&ctx()).await?;
    driver.create(&ctx(), &wanted).await?;
    ensure(driver.list(&ctx()).await?.volumes.len() == 2, "both are there")?;
    clear(&driver).await?;
    bench.is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_group_says_so_and_keeps_nothing() -> Result {
    let bench = Bench::new(false)?;
    let driver = bench.open(&json!({})).await?;
    let (small, large) = (create(&driver, SIZE).await?, create(&driver, 90 << 20).await?);
    fill(&driver, &small, 0x33, SIZE).await?;
    let wanted = spec(SIZE)?;
    let filler = create(&driver, driver.backend().lvm.vg(&ctx()).await?.free.bytes()).await?;
    let frozen = snapshot_of(&small);
    refused("create", driver.create(&ctx(), &wanted).await, Kind::OutOfSpace)?;
    refused("extend", driver.extend(&ctx(), &small, bytes(2 * SIZE)).await, Kind::OutOfSpace)?;
    refused("snapshot", driver.create_snapshot(&ctx(), &frozen).await, Kind::OutOfSpace)?;
    refused("clone", driver.clone_volume(&ctx(), &spec(SIZE)?, &small).await, Kind::OutOfSpace)?;
    bench.is_tidy()?;
    driver.stats(&ctx()).await?;
    holds(&driver, &small, 0x33, SIZE).await?;
    driver.delete(&ctx(), &large).await?;
    driver.create(&ctx(), &wanted).await?;
    driver.extend(&ctx(), &small, bytes(2 * SIZE)).await?;
    driver.create_snapshot(&ctx(), &frozen).await?;
    holds(&driver, &small, 0x33, SIZE).await?;
    driver.delete(&ctx(), &filler).await?;
    clear(&driver).await?;
    bench.is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn full_metadata_says_so_and_harms_no_volume() -> Result {
    full_metadata(90).await
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_that_lvm_finds_full_first_is_told_as_that() -> Result {
    full_metadata(100).await
}

/// With the driver's own mark there.
async fn full_metadata(mark: u8) -> Result {
    let bench = Bench::new(true)?;
    let driver = bench.open(&json!({ "thin_metadata_mark": mark })).await?;
    let volume = create(&driver, SIZE).await?;
    fill(&driver, &volume, 0x44, SIZE).await?;
    let (frozen, later) = (snapshot_of(&volume), snapshot_of(&volume));
    driver.create_snapshot(&ctx(), &frozen).await?;
    bench.group.fill_metadata()?;
    let wanted = spec(SIZE)?;
    refused("create", driver.create(&ctx(), &wanted).await, Kind::OutOfSpace)?;
    refused("snapshot", driver.create_snapshot(&ctx(), &later).await, Kind::OutOfSpace)?;
    let cloned = driver.clone_volume(&ctx(), &spec(SIZE)?, &volume).await;
    refused("clone", cloned, Kind::OutOfSpace)?;
    refused("revert", Revert::revert(&driver, &ctx(), &frozen).await, Kind::OutOfSpace)?;
    bench.is_tidy()?;
    let pools = driver.stats(&ctx()).await?.pools;
    ensure(pools.iter().all(|pool| pool.thin_metadata_free_percentage == Some(0)), "statistics say that it is full")?;
    holds(&driver, &volume, 0x44, SIZE).await?;
    driver.delete_snapshot(&ctx(), &frozen).await?;
    bench.group.release_metadata()?;
    driver.create(&ctx(), &wanted).await?;
    driver.create_snapshot(&ctx(), &later).await?;
    holds(&driver, &volume, 0x44, SIZE).await?;
    clear(&driver).await?;
    bench.is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thick_group_whose_disk_fails_harms_no_other() -> Result {
    outage(false).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thin_group_whose_disk_fails_harms_no_other() -> Result {
    outage(true).await
}

/// Every call says that the group is away, and the same calls go on when it is back.
async fn outage(thin: bool) -> Result {
    let (bench, other) = (Bench::new(thin)?, Bench::new(!thin)?);
    let (driver, neighbour) = (bench.open(&json!({})).await?, other.open(&json!({})).await?);
    let volume = create(&driver, SIZE).await?;
    fill(&driver, &volume, 0x55, SIZE).await?;
    let (frozen, wanted, copy) = (snapshot_of(&volume), spec(SIZE)?, spec(SIZE)?);
    bench.group.begin_outage()?;
    let said = refused("stats", driver.stats(&ctx()).await, Kind::Unavailable)?;
    ensure(said.contains(bench.group.name()), &said)?;
    refused("inspect", driver.inspect(&ctx(), &volume).await, Kind::Unavailable)?;
    refused("list", driver.list(&ctx()).await, Kind::Unavailable)?;
    not_done("create", driver.create(&ctx(), &wanted).await)?;
    not_done("snapshot", driver.create_snapshot(&ctx(), &frozen).await)?;
    not_done("clone", driver.clone_volume(&ctx(), &copy, &volume).await)?;
    not_done("extend", driver.extend(&ctx(), &volume, bytes(2 * SIZE)).await)?;
    not_done("delete", driver.delete(&ctx(), &volume).await)?;
    let beside = create(&neighbour, SIZE).await?;
    neighbour.stats(&ctx()).await?;
    neighbour.delete(&ctx(), &beside).await?;

    bench.group.well_again()?;
    driver.stats(&ctx()).await?;
    holds(&driver, &volume, 0x55, SIZE).await?;
    driver.create(&ctx(), &wanted).await?;
    driver.create_snapshot(&ctx(), &frozen).await?;
    driver.clone_volume(&ctx(), &copy, &volume).await?;
    holds(&driver, &copy.volume, 0x55, SIZE).await?;
    unchanged("create once more", driver.create(&ctx(), &wanted).await?)?;
    clear(&driver).await?;
    bench.is_empty()?;
    other.is_empty()
}
