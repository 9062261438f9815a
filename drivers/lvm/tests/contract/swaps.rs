//! A thin revert that stopped between the two names: whatever is called next finds one volume.

use ashlar_common::driver::{Driver, Kind, VolumeSpec, capability::Revert};
use serde_json::json;

use crate::{
    bench::{Bench, SIZE, bytes, clear, create, ctx, ensure, fill, holds, refused, snapshot_of, spec, unchanged},
    failure::Result,
    tool::{Fault, Tool},
};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_called_after_a_revert_that_stopped_finds_the_volume() -> Result {
    let (bench, tool) = (Bench::new(true)?, Tool::new().await?);
    let driver = bench.open(&json!({ "lvm_program": tool.path() })).await?;
    let volume = create(&driver, SIZE).await?;
    let (same, other) = (
        VolumeSpec { volume: volume.clone(), ..spec(SIZE)? },
        VolumeSpec { volume: volume.clone(), size: bytes(2 * SIZE), ..spec(SIZE)? },
    );
    let frozen = snapshot_of(&volume);
    fill(&driver, &volume, 0x11, SIZE).await?;
    driver.create_snapshot(&ctx(), &frozen).await?;
    for next in ["create", "create otherwise", "create from the snapshot", "delete"] {
        fill(&driver, &volume, 0x22, SIZE).await?;
        tool.arm(Fault::Crash, "lvrename --yes * new-")?;
        refused("a revert that stops", Revert::revert(&driver, &ctx(), &frozen).await, Kind::Indeterminate)?;
        tool.was_met()?;
        let left = bench.group.volumes()?;
        ensure(!left.contains(&format!("volume-{}", volume.id)), "it stopped between the names")?;
        match next {
            "create" => drop(unchanged(next, driver.create(&ctx(), &same).await?)?),
            "create otherwise" => drop(refused(next, driver.create(&ctx(), &other).await, Kind::Conflict)?),
            "delete" => drop(refused(next, driver.delete(&ctx(), &volume).await, Kind::Busy)?),
            _ => {
                let made = driver.create_from_snapshot(&ctx(), &same, &frozen).await;
                refused(next, made, Kind::Conflict)?;
            }
        }
        bench.is_tidy().map_err(|error| format!("{next}: {error}"))?;
        holds(&driver, &volume, 0x11, SIZE).await.map_err(|error| format!("{next}: {error}"))?;
    }
    clear(&driver).await?;
    bench.is_empty()
}
