//! What is in a volume when it is new, when it has grown, and when its host has died.

use ashlar_common::{
    driver::{AccessMode, AttachmentSpec, Kind, VolumeRef},
    units::ByteCount,
};

use crate::{
    answers::{changed, done, equal, refuses, unchanged},
    behaviour::{Behaviour, Group},
    claims::Need,
    contents::{pattern, same, with_zero_tail},
    outcome::{Held, Stop, ensure},
    stage::Stage,
};

use super::Case;

/// The size of volumes here: no multiple of a sector, a block or an extent, so that every rounding leaves a rest.
const SIZE: usize = (4 << 20) + 512;
/// Sizes to grow to, one after the other: within the block, the extent, and beyond.
const GROWTH: [usize; 4] = [SIZE + 1, SIZE + 4096, (8 << 20) + 1, 12 << 20];

/// Behaviours 11, 13, 14 and 23.
pub const CASES: &[Case] = &[
    Case {
        behaviour: Behaviour {
            number: 11,
            group: Group::Data,
            name: "new_volume_reads_zero",
            clauses: &["create.1"],
            need: Need::Core,
        },
        run: |stage| Box::pin(new(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 13,
            group: Group::Data,
            name: "grown_part_reads_zero",
            clauses: &["extend.2"],
            need: Need::Core,
        },
        run: |stage| Box::pin(grown_part(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 14,
            group: Group::Data,
            name: "growing_keeps_every_byte_and_never_shrinks",
            clauses: &["extend.1", "extend.2", "extend.3", "call.1"],
            need: Need::Core,
        },
        run: |stage| Box::pin(growing(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 23,
            group: Group::Data,
            name: "what_a_client_synced_outlives_the_host",
            clauses: &["call.4"],
            need: Need::Core,
        },
        run: |stage| Box::pin(restarted(stage)),
    },
];

/// Grows a volume.
async fn extend(stage: &Stage, volume: &VolumeRef, size: usize) -> Held {
    let size = ByteCount::new(size as u64).map_err(Stop::failed)?;
    let grown = changed("extend", stage.driver().await.extend(&stage.ctx(), volume, size).await)?;
    equal("the size that extend answers", &grown.size, &size)
}

async fn new(stage: &Stage) -> Held {
    for size in [1, 513, SIZE + 1, 8 << 20].map(|size| stage.whole(size)) {
        let spec = stage.spec(size as u64)?;
        let content = pattern(stage.seed + size as u64, size);
        // The second of the same id has nothing of the first.
        for _ in 0..2 {
            changed("create", stage.driver().await.create(&stage.ctx(), &spec).await)?;
            stage.holds(&format!("a new volume of {size} bytes"), &spec.volume, &vec![0; size]).await?;
            stage.write(&spec.volume, 0, &content).await?;
            stage.delete(&spec.volume).await?;
        }
    }
    Ok(())
}

/// The volume is full to its last byte each time it grows, and there is room that another volume's bytes were in.
async fn grown_part(stage: &Stage) -> Held {
    let mut content = pattern(stage.seed, SIZE);
    let volume = stage.create_holding(&content).await?;
    let other = stage.create_holding(&pattern(stage.seed + 1, SIZE * 2)).await?;
    stage.delete(&other).await?;
    for size in GROWTH.map(|size| stage.whole(size)) {
        extend(stage, &volume, size).await?;
        let grown = with_zero_tail(&content, size);
        stage.holds(&format!("a volume of {} bytes that grew to {size}", content.len()), &volume, &grown).await?;
        content = pattern(stage.seed + size as u64, size);
        stage.write(&volume, 0, &content).await?;
    }
    stage.holds("a volume that was filled after it grew", &volume, &content).await
}

async fn growing(stage: &Stage) -> Held {
    let content = pattern(stage.seed, SIZE);
    let volume = stage.create_holding(&content).await?;
    for size in GROWTH.map(|size| stage.whole(size)) {
        extend(stage, &volume, size).await?;
        let same_size = ByteCount::new(size as u64).map_err(Stop::failed)?;
        let answer = stage.driver().await.extend(&stage.ctx(), &volume, same_size).await;
        unchanged("extend to the size it has", answer)?;
        for smaller in [size - stage.unit(), SIZE, stage.unit()] {
            let smaller = ByteCount::new(smaller as u64).map_err(Stop::failed)?;
            let answer = stage.driver().await.extend(&stage.ctx(), &volume, smaller).await;
            refuses(&format!("extend of {size} bytes to {}", smaller.bytes()), answer, &[Kind::Invalid])?;
        }
        stage.has_size("that grew", &volume, size as u64).await?;
        let grown = with_zero_tail(&content, size);
        stage.holds(&format!("a volume that grew to {size}"), &volume, &grown).await?;
    }
    stage.restart().await?;
    let size = stage.whole(*GROWTH.last().ok_or_else(|| Stop::failed("no growth"))?);
    stage.has_size("after a restart of the host", &volume, size as u64).await?;
    growing_attached(stage, &volume, &with_zero_tail(&content, size)).await
}

/// A client sees the new size, or nothing happens to it.
async fn growing_attached(stage: &Stage, volume: &VolumeRef, content: &[u8]) -> Held {
    let (old, new) = (content.len(), content.len() + SIZE);
    let size = ByteCount::new(new as u64).map_err(Stop::failed)?;
    let disk = stage.attach(volume).await?;
    let driver = stage.driver().await;
    let Some(online) = driver.online_extend() else {
        refuses("extend while attached", driver.extend(&stage.ctx(), volume, size).await, &[Kind::Busy])?;
        equal("the size a client sees after a refused extend", &disk.size().await?, &(old as u64))?;
        disk.detach().await?;
        return stage.holds("a volume after a refused extend", volume, content).await;
    };
    let smaller = ByteCount::new((old - stage.unit()) as u64).map_err(Stop::failed)?;
    let answer = online.extend_attached(&stage.ctx(), volume, smaller).await;
    refuses("extend to less while attached", answer, &[Kind::Invalid])?;
    changed("extend while attached", online.extend_attached(&stage.ctx(), volume, size).await)?;
    unchanged("the same extend while attached", online.extend_attached(&stage.ctx(), volume, size).await)?;
    equal("the size a client sees after an extend while attached", &disk.size().await?, &(new as u64))?;
    let mut expected = with_zero_tail(content, new);
    same("what a client reads after an extend while attached", &disk.read_all().await?, &expected)?;
    let tail = pattern(stage.seed + 1, SIZE);
    disk.write(old as u64, &tail).await?;
    expected[old..].copy_from_slice(&tail);
    disk.detach().await?;
    stage.holds("a volume that grew while attached", volume, &expected).await
}

/// Kills the host behind a client's back: neither what was synced nor what was answered may be gone.
async fn restarted(stage: &Stage) -> Held {
    let content = pattern(stage.seed, SIZE);
    let volume = stage.create(SIZE as u64).await?;
    let disk = stage.attach(&volume).await?;
    let (first, second) = content.split_at(SIZE / 2);
    disk.write(0, first).await?;
    stage.restart().await?;

    let spec = AttachmentSpec { id: disk.attachment, ..stage.attachment(AccessMode::ReadWrite) };
    let answer = stage.driver().await.attach(&stage.ctx(), &volume, &spec).await;
    let connection = done("the same attach after a restart of the host", answer)?;
    let mode = spec.mode;
    let again = stage.site.connect(&connection, mode).await;
    let again =
        again.map_err(|error| Stop::failed(format!("after a restart of the host, no client gets in: {error}")))?;
    let mut found = vec![0; first.len()];
    let found = tokio::task::spawn_blocking(move || again.read_at(&mut found, 0).map(|()| found)).await;
    let found = found.map_err(Stop::failed)?.map_err(Stop::failed)?;
    same("what was synced before a restart of the host", &found, first)?;
    disk.detach().await?;

    stage.write(&volume, first.len() as u64, second).await?;
    let snapshot = stage.snapshot(&volume).await?;
    let clone = stage.spec(SIZE as u64)?;
    changed("clone_volume", stage.driver().await.clone_volume(&stage.ctx(), &clone, &volume).await)?;
    let deleted = stage.create(SIZE as u64).await?;
    stage.delete(&deleted).await?;
    stage.restart().await?;
    stage.has_just("after a restart of the host", &[&volume, &clone.volume], &[&snapshot]).await?;
    stage.holds("a volume after a restart of the host", &volume, &content).await?;
    stage.holds("a clone after a restart of the host", &clone.volume, &content).await?;
    stage.snapshot_holds("a snapshot after a restart of the host", &snapshot, &content).await?;
    let seen = stage.inspect(&volume).await?;
    ensure(seen.is_some_and(|seen| seen.attachments.is_empty()), || "a detached volume is attached again".to_owned())
}
