//! Frozen bytes, and going back to them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use ashlar_common::{
    driver::{Kind, Snapshot, SnapshotRef, VolumeRef},
    ids::SnapshotId,
    units::ByteCount,
};
use tokio::sync::oneshot;

use crate::{
    answers::{changed, done, equal, refuses, unchanged},
    behaviour::{Behaviour, Group},
    claims::Need,
    contents::{pattern, with_zero_tail},
    outcome::{Held, Stop, ensure},
    stage::{Attached, Stage},
};

use super::Case;

/// The size of volumes here; no multiple of a block or an extent.
const SIZE: usize = (4 << 20) + 512;
/// Where the second of a busy client's numbers goes; the first is at the start.
const END: usize = SIZE - 8;
/// A client that is never told to stop stops then.
const BUSY_FOR: Duration = Duration::from_secs(60);

/// Behaviours 15, 16, 17 and 22.
pub const CASES: &[Case] = &[
    Case {
        behaviour: Behaviour {
            number: 15,
            group: Group::Data,
            name: "snapshot_is_of_one_instant_and_no_write_reaches_it",
            clauses: &["snapshot.1", "snapshot.2"],
            need: Need::Core,
        },
        run: |stage| Box::pin(frozen(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 16,
            group: Group::Data,
            name: "volume_and_snapshot_survive_each_other",
            clauses: &["snapshot.3", "delete.3"],
            need: Need::Core,
        },
        run: |stage| Box::pin(survival(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 17,
            group: Group::Data,
            name: "deleting_the_middle_of_three_snapshots_spares_the_others",
            clauses: &["snapshot.3"],
            need: Need::Core,
        },
        run: |stage| Box::pin(middle(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 22,
            group: Group::Data,
            name: "revert_is_exact_and_keeps_the_size",
            clauses: &["revert.1", "revert.2", "revert.4"],
            need: Need::Revert,
        },
        run: |stage| Box::pin(reverted(stage)),
    },
];

async fn frozen(stage: &Stage) -> Held {
    let before = pattern(stage.seed, SIZE);
    let volume = stage.create_holding(&before).await?;
    let snapshot = SnapshotRef { id: SnapshotId::new(), volume: volume.clone() };
    let taken = changed("create_snapshot", stage.driver().await.create_snapshot(&stage.ctx(), &snapshot).await)?;
    let expected = Snapshot { snapshot: snapshot.clone(), size: ByteCount::new(SIZE as u64).map_err(Stop::failed)? };
    equal("what create_snapshot answers", &taken, &expected)?;

    // Here and there, then all of it, then more than there was.
    stage.write(&volume, 0, b"first").await?;
    stage.write(&volume, SIZE as u64 - 5, b"last!").await?;
    let mut after = before.clone();
    after[..5].copy_from_slice(b"first");
    after[SIZE - 5..].copy_from_slice(b"last!");
    stage.holds("a volume written to after a snapshot of it", &volume, &after).await?;
    stage.snapshot_holds("a snapshot after a few writes", &snapshot, &before).await?;
    let larger = ByteCount::new(2 * SIZE as u64).map_err(Stop::failed)?;
    changed("extend", stage.driver().await.extend(&stage.ctx(), &volume, larger).await)?;
    let after = pattern(stage.seed + 1, SIZE * 2);
    stage.write(&volume, 0, &after).await?;
    let again = unchanged(
        "the same create_snapshot, after writes",
        stage.driver().await.create_snapshot(&stage.ctx(), &snapshot).await,
    )?;
    equal("what create_snapshot answers again", &again, &expected)?;
    stage.restart().await?;
    stage.snapshot_holds("a snapshot after every byte was written", &snapshot, &before).await?;
    stage.holds("a volume written to after a snapshot of it", &volume, &after).await?;
    while_attached(stage).await
}

/// Where a snapshot can be had of an attached volume, it is of one instant; elsewhere it is refused.
async fn while_attached(stage: &Stage) -> Held {
    let volume = stage.create(SIZE as u64).await?;
    let disk = stage.attach(&volume).await?;
    if !stage.claims.snapshot_attached {
        let snapshot = SnapshotRef { id: SnapshotId::new(), volume: volume.clone() };
        let answer = stage.driver().await.create_snapshot(&stage.ctx(), &snapshot).await;
        refuses("a snapshot of an attached volume, which is not claimed", answer, &[Kind::Busy])?;
        disk.detach().await?;
        done("create_snapshot", stage.driver().await.create_snapshot(&stage.ctx(), &snapshot).await)?;
        return Ok(());
    }
    let stop = Arc::new(AtomicBool::new(false));
    let (begun, begins) = oneshot::channel();
    let (written, taken) = tokio::join!(write_numbers(&disk, begun, Arc::clone(&stop)), async {
        let taken = take_some(stage, &volume, begins).await;
        stop.store(true, Ordering::Release);
        taken
    });
    let (written, (snapshots, clone)) = (written?, taken?);
    disk.detach().await?;
    let mut earlier = 0;
    for snapshot in snapshots {
        let spec = stage.spec(SIZE as u64)?;
        let answer = stage.driver().await.create_from_snapshot(&stage.ctx(), &spec, &snapshot).await;
        changed("create_from_snapshot", answer)?;
        earlier = one_instant(&stage.read(&spec.volume).await?, earlier, written)?;
    }
    one_instant(&stage.read(&clone).await?, earlier, written).map(drop)
}

/// A number goes to the end and then to the beginning, over and over: at any instant the end has the number of the
/// beginning or the next. Answers the last.
async fn write_numbers(disk: &Attached<'_>, begun: oneshot::Sender<()>, stop: Arc<AtomicBool>) -> Held<u64> {
    let written = disk.on_thread(move |disk| {
        let (mut number, mut begun, started) = (0_u64, Some(begun), Instant::now());
        while !stop.load(Ordering::Acquire) && started.elapsed() < BUSY_FOR {
            number += 1;
            for at in [END, 0] {
                disk.write_at(&number.to_le_bytes(), at as u64)?;
                disk.sync()?;
            }
            if let Some(begun) = begun.take_if(|_| number == 10) {
                // Nobody waits any more where the case has failed already.
                let _case_ended = begun.send(());
            }
        }
        Ok(number)
    });
    written.await.map_err(|error| Stop::failed(format!("a client that writes while snapshots are taken: {error}")))
}

async fn take_some(
    stage: &Stage,
    volume: &VolumeRef,
    begins: oneshot::Receiver<()>,
) -> Held<(Vec<SnapshotRef>, VolumeRef)> {
    begins.await.map_err(|_closed| Stop::failed("the client could not write"))?;
    let mut snapshots = Vec::new();
    for _ in 0..3 {
        snapshots.push(stage.snapshot(volume).await?);
    }
    let clone = stage.spec(SIZE as u64)?;
    let answer = stage.driver().await.clone_volume(&stage.ctx(), &clone, volume).await;
    changed("a clone of an attached volume", answer)?;
    Ok((snapshots, clone.volume))
}

/// Answers the number that the beginning has.
fn one_instant(content: &[u8], earlier: u64, written: u64) -> Held<u64> {
    let number = |at: usize| {
        let bytes = content.get(at..).and_then(|bytes| bytes.first_chunk().copied());
        bytes.map(u64::from_le_bytes).ok_or_else(|| Stop::failed("a snapshot is too short"))
    };
    let (beginning, end) = (number(0)?, number(END)?);
    ensure((earlier.max(10)..=written).contains(&beginning) && [beginning, beginning + 1].contains(&end), || {
        format!(
            "a client wrote number after number at the end and then at the beginning, {written} in all; a snapshot has \
             {beginning} at the beginning and {end} at the end, and the one before had {earlier}"
        )
    })?;
    Ok(beginning)
}

async fn survival(stage: &Stage) -> Held {
    let before = pattern(stage.seed, SIZE);
    let volume = stage.create_holding(&before).await?;
    let snapshot = stage.snapshot(&volume).await?;
    let mut after = before.clone();
    after[SIZE / 2..].copy_from_slice(&pattern(stage.seed + 1, SIZE - SIZE / 2));
    stage.write(&volume, SIZE as u64 / 2, &after[SIZE / 2..]).await?;
    changed("delete_snapshot", stage.driver().await.delete_snapshot(&stage.ctx(), &snapshot).await)?;
    stage.holds("a volume whose snapshot was deleted", &volume, &after).await?;

    let snapshot = stage.snapshot(&volume).await?;
    match stage.driver().await.delete(&stage.ctx(), &volume).await {
        Ok(_) => stage.is_absent("after it was deleted with a snapshot", &volume).await?,
        answer => {
            refuses("delete of a volume with a snapshot", answer, &[Kind::Busy])?;
            stage.holds("a volume that was not deleted for its snapshot", &volume, &after).await?;
        }
    }
    stage.restart().await?;
    stage.snapshot_holds("a snapshot whose volume was to be deleted", &snapshot, &after).await?;
    changed("delete_snapshot", stage.driver().await.delete_snapshot(&stage.ctx(), &snapshot).await)?;
    done("delete of a volume without snapshots", stage.driver().await.delete(&stage.ctx(), &volume).await)?;
    stage.has_just("when all is deleted", &[], &[]).await
}

async fn middle(stage: &Stage) -> Held {
    let volume = stage.create(SIZE as u64).await?;
    let mut content = vec![0; SIZE];
    let mut taken = Vec::new();
    for number in 0..3 {
        // Each time a third of the bytes is new, so that each snapshot holds something of those before.
        let part = SIZE / 3 * number..SIZE / 3 * (number + 1);
        content[part.clone()].copy_from_slice(&pattern(stage.seed + number as u64, part.len()));
        content[..8].copy_from_slice(&number.to_le_bytes());
        stage.write(&volume, part.start as u64, &content[part]).await?;
        stage.write(&volume, 0, &content[..8]).await?;
        taken.push((stage.snapshot(&volume).await?, content.clone()));
    }
    let (two, of_two) = taken.remove(1);
    let copy = stage.spec(SIZE as u64)?;
    changed("create_from_snapshot", stage.driver().await.create_from_snapshot(&stage.ctx(), &copy, &two).await)?;
    match stage.driver().await.delete_snapshot(&stage.ctx(), &two).await {
        Ok(_) => {
            stage.holds("a volume of a deleted snapshot", &copy.volume, &of_two).await?;
            stage.delete(&copy.volume).await?;
        }
        answer => {
            refuses("delete of a snapshot that a volume was made from", answer, &[Kind::Busy])?;
            stage.holds("a volume of a snapshot that was to be deleted", &copy.volume, &of_two).await?;
            stage.delete(&copy.volume).await?;
            let answer = stage.driver().await.delete_snapshot(&stage.ctx(), &two).await;
            changed("delete of the middle snapshot", answer)?;
        }
    }
    stage.restart().await?;
    stage.has_just("without the middle snapshot", &[&volume], &[&taken[0].0, &taken[1].0]).await?;
    for (snapshot, expected) in &taken {
        stage.snapshot_holds("a snapshot beside a deleted one", snapshot, expected).await?;
    }
    stage.holds("a volume whose middle snapshot was deleted", &volume, &content).await?;
    stage.write(&volume, 8, &pattern(stage.seed + 9, SIZE - 8)).await?;
    let (first, of_first) = &taken[0];
    stage.snapshot_holds("a snapshot after further writes", first, of_first).await
}

async fn reverted(stage: &Stage) -> Held {
    let driver = stage.driver().await;
    let revert = driver.revert().ok_or_else(|| Stop::failed("revert is claimed and not there"))?;
    let before = pattern(stage.seed, SIZE);
    let volume = stage.create_holding(&before).await?;
    let first = stage.snapshot(&volume).await?;
    let larger = ByteCount::new(2 * SIZE as u64).map_err(Stop::failed)?;
    changed("extend", driver.extend(&stage.ctx(), &volume, larger).await)?;
    let after = pattern(stage.seed + 1, SIZE * 2);
    stage.write(&volume, 0, &after).await?;
    let second = stage.snapshot(&volume).await?;

    let disk = stage.attach(&volume).await?;
    refuses("revert while attached", revert.revert(&stage.ctx(), &first).await, &[Kind::Busy])?;
    disk.detach().await?;
    stage.holds("a volume after a refused revert", &volume, &after).await?;

    let older = with_zero_tail(&before, SIZE * 2);
    for (snapshot, expected) in [(&first, &older), (&first, &older), (&second, &after), (&first, &older)] {
        let back = done("revert", revert.revert(&stage.ctx(), snapshot).await)?;
        equal("the size that revert answers", &back.size, &larger)?;
        stage.holds("a volume put back to a snapshot", &volume, expected).await?;
    }
    stage.write(&volume, 0, b"later").await?;
    stage.snapshot_holds("a snapshot that its volume was put back to", &first, &before).await?;
    stage.snapshot_holds("a snapshot later than the one that its volume was put back to", &second, &after).await?;
    stage.has_just("after the reverts", &[&volume], &[&first, &second]).await
}
