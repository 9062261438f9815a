//! Pools without room, and what becomes of room that was given back.

use std::fs;

use ashlar_common::{
    driver::{ImageFile, Kind, SnapshotRef, VolumeRef},
    ids::SnapshotId,
    image::ImageFormat,
    units::ByteCount,
};

use crate::{
    answers::{changed, refuses},
    behaviour::{Behaviour, Group},
    claims::Need,
    contents::{pattern, same},
    outcome::{Held, Stop, ensure},
    stage::{Stage, refused},
};

use super::Case;

/// A client that writes a sector here and there makes a thin backend take a whole extent for each.
const STRIDE: usize = 64 << 10;
const SECTOR: usize = 512;

/// Behaviours 9 and 12.
pub const CASES: &[Case] = &[
    Case {
        behaviour: Behaviour {
            number: 9,
            group: Group::LifeCycle,
            name: "full_pool_refuses_and_keeps_nothing_half_made",
            clauses: &["create.3", "create.4", "call.3"],
            need: Need::Core,
        },
        run: |stage| Box::pin(full_pool(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 12,
            group: Group::Data,
            name: "bytes_of_deleted_volumes_never_come_back",
            clauses: &["create.1", "extend.2"],
            need: Need::Core,
        },
        run: |stage| Box::pin(freed(stage)),
    },
];

async fn full_pool(stage: &Stage) -> Held {
    let full = stage.fill().await?;
    if let Some(spec) = &full.refused {
        stage.is_absent("after it was refused for want of room", &spec.volume).await?;
    }
    let volumes: Vec<VolumeRef> = full.whole.iter().chain(&full.part).cloned().collect();
    ensure(!full.whole.is_empty(), || format!("a pool of {} bytes took no volume", stage.site.room()))?;
    stage.has_just("in a full pool", &volumes.iter().collect::<Vec<_>>(), &[]).await?;
    stage.is_tidy().await?;

    too_large_image(stage).await?;
    let (made, snapshot) = copies(stage, &full.whole[0]).await?;
    if stage.claims.thick {
        let more = ByteCount::new(stage.piece_size() + stage.site.room()).map_err(Stop::failed)?;
        let answer = stage.driver().await.extend(&stage.ctx(), &full.whole[0], more).await;
        refuses("extend by the whole pool, in a full pool", answer, &[Kind::OutOfSpace])?;
        stage.has_size("after it could not grow", &full.whole[0], stage.piece_size()).await?;
    }
    let there: Vec<&VolumeRef> = volumes.iter().chain(&made).collect();
    stage.has_just("after all was refused", &there, &snapshot.iter().collect::<Vec<_>>()).await?;
    stage.is_tidy().await?;
    for (number, volume) in full.whole.iter().enumerate() {
        stage.holds("a volume in a full pool", volume, &stage.piece(number)?).await?;
    }
    stage.driver().await.stats(&stage.ctx()).await.map_err(|error| refused("stats of a full pool", &error))?;

    if let Some(snapshot) = &snapshot {
        changed("delete_snapshot", stage.driver().await.delete_snapshot(&stage.ctx(), snapshot).await)?;
    }
    for volume in &made {
        stage.delete(volume).await?;
    }
    stage.empty(full).await
}

/// Its bytes have to go somewhere, whatever the pool shares.
async fn too_large_image(stage: &Stage) -> Held {
    let folder = tempfile::tempdir().map_err(Stop::failed)?;
    let image = ImageFile { path: folder.path().join("image"), format: ImageFormat::Raw };
    fs::write(&image.path, stage.piece(0)?).map_err(Stop::failed)?;
    let spec = stage.spec(stage.piece_size())?;
    let answer = stage.driver().await.copy_image_to_volume(&stage.ctx(), &spec, &image).await;
    refuses("an image in a full pool", answer, &[Kind::OutOfSpace])?;
    stage.is_absent("after its image found no room", &spec.volume).await
}

/// Copies may share room, so they may be had; where not, nothing of them is. Answers what was made.
async fn copies(stage: &Stage, source: &VolumeRef) -> Held<(Vec<VolumeRef>, Option<SnapshotRef>)> {
    let driver = stage.driver().await;
    let mut made = Vec::new();
    let clone = stage.spec(stage.piece_size())?;
    match driver.clone_volume(&stage.ctx(), &clone, source).await {
        Ok(_) => made.push(clone.volume),
        answer => {
            refuses("a clone in a full pool", answer, &[Kind::OutOfSpace])?;
            stage.is_absent("after it could not be cloned", &clone.volume).await?;
        }
    }
    let snapshot = SnapshotRef { id: SnapshotId::new(), volume: source.clone() };
    match driver.create_snapshot(&stage.ctx(), &snapshot).await {
        Ok(_) => Ok((made, Some(snapshot))),
        answer => {
            refuses("a snapshot in a full pool", answer, &[Kind::OutOfSpace])?;
            let seen = driver.inspect_snapshot(&stage.ctx(), &snapshot).await;
            let seen = seen.map_err(|error| refused("inspect_snapshot", &error))?;
            ensure(seen.is_none(), || "a snapshot that was refused for want of room is there".to_owned())?;
            Ok((made, None))
        }
    }
}

/// Every extent of the pool has held a stranger's bytes once. New volumes take them again, whole and sector by sector.
async fn freed(stage: &Stage) -> Held {
    let full = stage.fill().await?;
    let count = full.whole.len();
    stage.empty(full).await?;
    let mut made = Vec::new();
    for _ in 0..count.div_ceil(2) {
        let volume = stage.create(stage.piece_size()).await?;
        reads_zero_but_for_its_own(stage, &volume).await?;
        made.push(volume);
    }
    // Growth takes freed extents too.
    let volume = stage.create(SECTOR as u64).await?;
    let size = ByteCount::new(stage.piece_size()).map_err(Stop::failed)?;
    changed("extend", stage.driver().await.extend(&stage.ctx(), &volume, size).await)?;
    reads_zero_but_for_its_own(stage, &volume).await
}

async fn reads_zero_but_for_its_own(stage: &Stage, volume: &VolumeRef) -> Held {
    let disk = stage.attach(volume).await?;
    let mut expected = disk.read_all().await?;
    let zeros = vec![0; expected.len()];
    same("a new volume, on room that others gave back", &expected, &zeros)?;
    let sector = pattern(stage.seed, SECTOR);
    let places: Vec<usize> = (STRIDE / 2..expected.len() - SECTOR).step_by(STRIDE).collect();
    for at in &places {
        expected[*at..*at + SECTOR].copy_from_slice(&sector);
    }
    let written = disk.on_thread(move |disk| {
        places.into_iter().try_for_each(|at| disk.write_at(&sector, at as u64))?;
        disk.sync()
    });
    written.await.map_err(|error| Stop::failed(format!("a client writes here and there: {error}")))?;
    let found = disk.read_all().await?;
    disk.detach().await?;
    same("a volume with a sector written here and there, on room that others gave back", &found, &expected)
}
