//! Snapshots of several volumes at one instant.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use ashlar_common::{
    driver::{AccessMode, Detach, Kind, SnapshotRef, VolumeRef, capability::GroupSnapshots},
    ids::SnapshotId,
};
use tokio::task::JoinHandle;

use crate::{
    answers::{changed, refuses, unchanged},
    behaviour::{Behaviour, Group},
    claims::Need,
    contents::pattern,
    outcome::{Held, Stop, ensure},
    stage::{Stage, eventually, refused},
    subject::Disk,
};

use super::Case;

const SIZE: usize = 1 << 20;
/// Where the second place of the counter is: both places are written, so that a torn image shows too.
const FAR: u64 = SIZE as u64 - 8;
/// How many group snapshots are taken of the volumes while they are written.
const ROUNDS: usize = 12;
/// The writer must come so far between two of them.
const STRIDE: u64 = 5;
const WRITER_LIMIT: Duration = Duration::from_secs(20);

/// Behaviour 60.
pub const CASES: &[Case] = &[Case {
    behaviour: Behaviour {
        number: 60,
        group: Group::Declared,
        name: "group_snapshot_is_of_one_instant",
        clauses: &["group.1", "group.2"],
        need: Need::GroupSnapshots,
    },
    run: |stage| Box::pin(one_instant(stage)),
}];

/// Writes a counter to one volume, then to the other, each durable before the next begins.
struct Writer {
    stop: Arc<AtomicBool>,
    count: Arc<AtomicU64>,
    thread: JoinHandle<io::Result<()>>,
}

impl Writer {
    fn start(first: Box<dyn Disk>, second: Box<dyn Disk>) -> Self {
        let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&count));
        let thread = tokio::task::spawn_blocking(move || {
            while !stopped.load(Ordering::Acquire) {
                let next = counted.load(Ordering::Acquire) + 1;
                for disk in [&first, &second] {
                    disk.write_at(&next.to_le_bytes(), 0)?;
                    disk.write_at(&next.to_le_bytes(), FAR)?;
                    disk.sync()?;
                }
                counted.store(next, Ordering::Release);
            }
            Ok(())
        });
        Self { stop, count, thread }
    }

    /// Waits until the writer has come on a bit.
    async fn goes_on(&self) -> Held {
        let from = self.count.load(Ordering::Acquire);
        eventually(WRITER_LIMIT, || async {
            let now = self.count.load(Ordering::Acquire);
            ensure(now >= from + STRIDE, || "the client that writes meanwhile does not come on".to_owned())
        })
        .await
    }

    async fn stop(self) -> Held {
        self.stop.store(true, Ordering::Release);
        let ended = self.thread.await.map_err(Stop::failed)?;
        ended.map_err(|error| Stop::failed(format!("the client that writes meanwhile: {error}")))
    }
}

async fn connect(stage: &Stage, volume: &VolumeRef) -> Held<Box<dyn Disk>> {
    let spec = stage.attachment(AccessMode::ReadWrite);
    let connection = changed("attach", stage.driver().await.attach(&stage.ctx(), volume, &spec).await)?;
    let disk = stage.site.connect(&connection, AccessMode::ReadWrite).await;
    disk.map_err(|error| Stop::failed(format!("a client cannot reach what was attached: {error}")))
}

fn snapshots_of(volumes: &[VolumeRef]) -> Vec<SnapshotRef> {
    volumes.iter().map(|volume| SnapshotRef { id: SnapshotId::new(), volume: volume.clone() }).collect()
}

async fn one_instant(stage: &Stage) -> Held {
    let volumes = [stage.create(SIZE as u64).await?, stage.create(SIZE as u64).await?];
    let driver = stage.driver().await;
    let group = driver.group_snapshots().ok_or_else(|| Stop::failed("the driver has no group snapshots any more"))?;
    let writer = Writer::start(connect(stage, &volumes[0]).await?, connect(stage, &volumes[1]).await?);
    let taken = take_while_written(stage, group, &volumes, &writer).await;
    writer.stop().await?;
    let taken = taken?;
    for snapshots in &taken {
        in_order(read_counter(stage, &snapshots[0]).await?, read_counter(stage, &snapshots[1]).await?)?;
    }
    for volume in &volumes {
        changed("detach of all", driver.detach(&stage.ctx(), volume, Detach::All).await)?;
    }
    repeated(stage, group, &taken[0], &volumes).await?;
    all_or_none(stage, group, &volumes).await
}

async fn take_while_written(
    stage: &Stage,
    group: &dyn GroupSnapshots,
    volumes: &[VolumeRef],
    writer: &Writer,
) -> Held<Vec<Vec<SnapshotRef>>> {
    let mut all = Vec::new();
    for round in 0..ROUNDS {
        writer.goes_on().await?;
        let mut asked = snapshots_of(volumes);
        // The order in which they are named is not the order of the writes.
        if round % 2 == 1 {
            asked.reverse();
        }
        let taken = changed("group snapshot", group.create_group_snapshot(&stage.ctx(), &asked).await)?;
        let named: Vec<_> = taken.iter().map(|snapshot| snapshot.snapshot.clone()).collect();
        ensure(named == asked, || "a group snapshot does not answer what was asked for, in its order".to_owned())?;
        if round % 2 == 1 {
            asked.reverse();
        }
        all.push(asked);
    }
    Ok(all)
}

/// The counters at both ends of a volume made from the snapshot.
async fn read_counter(stage: &Stage, snapshot: &SnapshotRef) -> Held<[u64; 2]> {
    let spec = stage.spec(SIZE as u64)?;
    let made = stage.driver().await.create_from_snapshot(&stage.ctx(), &spec, snapshot).await;
    made.map_err(|error| refused("create_from_snapshot", &error))?;
    let bytes = stage.read(&spec.volume).await?;
    stage.delete(&spec.volume).await?;
    let at =
        |offset: usize| bytes.get(offset..offset + 8).and_then(|word| word.try_into().ok()).map(u64::from_le_bytes);
    match (at(0), at(SIZE - 8)) {
        (Some(near), Some(far)) => Ok([near, far]),
        _ => Err(Stop::failed("a volume from a group snapshot is too small")),
    }
}

/// The writes went first-near, first-far, second-near, second-far: each place is as far as the one before, or one behind.
fn in_order(first: [u64; 2], second: [u64; 2]) -> Held {
    let places = [first[0], first[1], second[0], second[1]];
    let falls = places.windows(2).all(|pair| pair[0] >= pair[1]);
    ensure(falls && places[0] - places[3] <= 1, || {
        format!("a group snapshot shows counters {first:?} and {second:?}, which no instant had")
    })
}

async fn repeated(stage: &Stage, group: &dyn GroupSnapshots, taken: &[SnapshotRef], volumes: &[VolumeRef]) -> Held {
    let before = read_counter(stage, &taken[0]).await?;
    stage.write(&volumes[0], 0, &pattern(stage.seed, SIZE)).await?;
    unchanged("the same group snapshot again", group.create_group_snapshot(&stage.ctx(), taken).await)?;
    let after = read_counter(stage, &taken[0]).await?;
    ensure(before == after, || "a group snapshot that was asked for again has other bytes".to_owned())
}

/// One of the volumes is not there.
async fn all_or_none(stage: &Stage, group: &dyn GroupSnapshots, volumes: &[VolumeRef]) -> Held {
    let mut asked = snapshots_of(volumes);
    asked.extend(snapshots_of(&[stage.spec(SIZE as u64)?.volume]));
    let answer = group.create_group_snapshot(&stage.ctx(), &asked).await;
    refuses("a group snapshot of a volume that is not there", answer, &[Kind::NotFound])?;
    for snapshot in &asked {
        let found = stage.driver().await.inspect_snapshot(&stage.ctx(), snapshot).await;
        let found = found.map_err(|error| refused("inspect_snapshot", &error))?;
        ensure(found.is_none(), || "a part of a group snapshot that was refused is there".to_owned())?;
    }
    Ok(())
}
