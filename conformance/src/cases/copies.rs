//! Volumes made from volumes and snapshots.

use ashlar_common::driver::{self, Kind, Outcome, SnapshotRef, Volume, VolumeRef, VolumeSpec};

use crate::{
    answers::{changed, equal, refuses, unchanged},
    behaviour::{Behaviour, Group},
    claims::Need,
    contents::{pattern, same, with_zero_tail},
    outcome::{Held, Stop},
    stage::Stage,
};

use super::Case;

/// The size of volumes here; no multiple of a block or an extent.
const SIZE: usize = (4 << 20) + 512;
/// How deep the chain of clones goes, and how large they are: a sector for each.
const DEPTH: usize = 100;
/// Of so many clones in a row, the first is written to.
const WRITTEN: usize = 10;
const SECTOR: usize = 512;

/// Behaviours 18, 19, 20, 21, 24 and 25.
pub const CASES: &[Case] = &[
    Case {
        behaviour: Behaviour {
            number: 18,
            group: Group::Data,
            name: "copy_and_source_are_equal_and_then_independent",
            clauses: &["copy.1", "copy.2", "call.1"],
            need: Need::Core,
        },
        run: |stage| Box::pin(independent(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 19,
            group: Group::Data,
            name: "copy_survives_its_source",
            clauses: &["copy.2", "call.1"],
            need: Need::Core,
        },
        run: |stage| Box::pin(survives(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 20,
            group: Group::Data,
            name: "larger_copy_ends_in_zeros",
            clauses: &["copy.1", "create.2"],
            need: Need::Core,
        },
        run: |stage| Box::pin(larger(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 21,
            group: Group::Data,
            name: "smaller_copy_is_refused",
            clauses: &["copy.1", "call.3"],
            need: Need::Core,
        },
        run: |stage| Box::pin(smaller(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 24,
            group: Group::Data,
            name: "hundredth_clone_of_a_clone_is_a_volume_like_any_other",
            clauses: &["copy.4", "copy.2"],
            need: Need::Core,
        },
        run: |stage| Box::pin(chain(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 25,
            group: Group::Data,
            name: "discard_does_not_reach_what_shares_its_bytes",
            clauses: &["copy.2", "snapshot.1"],
            need: Need::Core,
        },
        run: |stage| Box::pin(discard(stage)),
    },
];

/// What a copy is made from.
#[derive(Clone, Copy)]
enum Source<'s> {
    Volume(&'s VolumeRef),
    Snapshot(&'s SnapshotRef),
}

impl Source<'_> {
    const fn name(self) -> &'static str {
        match self {
            Self::Volume(_) => "a clone",
            Self::Snapshot(_) => "a volume of a snapshot",
        }
    }

    async fn copy(self, stage: &Stage, spec: &VolumeSpec) -> driver::Result<Outcome<Volume>> {
        let driver = stage.driver().await;
        match self {
            Self::Volume(volume) => driver.clone_volume(&stage.ctx(), spec, volume).await,
            Self::Snapshot(snapshot) => driver.create_from_snapshot(&stage.ctx(), spec, snapshot).await,
        }
    }
}

async fn independent(stage: &Stage) -> Held {
    let before = pattern(stage.seed, SIZE);
    let volume = stage.create_holding(&before).await?;
    let snapshot = stage.snapshot(&volume).await?;
    let mut source = before.clone();
    for from in [Source::Volume(&volume), Source::Snapshot(&snapshot)] {
        let spec = stage.spec(SIZE as u64)?;
        let mut copy = if matches!(from, Source::Volume(_)) { source.clone() } else { before.clone() };
        changed(from.name(), from.copy(stage, &spec).await)?;
        stage.holds(&format!("{} right away", from.name()), &spec.volume, &copy).await?;
        // Beside each other, on top of each other, and at the ends.
        for (number, at) in [0, 4096, 70_000, SIZE / 2, SIZE - 900].into_iter().enumerate() {
            let (ours, theirs) = (pattern(at as u64 + 1, 700), pattern(at as u64 + 2, 700));
            stage.write(&volume, at as u64, &ours).await?;
            source[at..at + 700].copy_from_slice(&ours);
            let at = at + 200 * (number % 2);
            stage.write(&spec.volume, at as u64, &theirs).await?;
            copy[at..at + 700].copy_from_slice(&theirs);
        }
        unchanged(&format!("{} again, after writes", from.name()), from.copy(stage, &spec).await)?;
        stage.restart().await?;
        stage.holds(&format!("the source of {}", from.name()), &volume, &source).await?;
        stage.holds(from.name(), &spec.volume, &copy).await?;
    }
    stage.snapshot_holds("a snapshot that a volume was made from", &snapshot, &before).await
}

async fn survives(stage: &Stage) -> Held {
    let content = pattern(stage.seed, SIZE);
    let volume = stage.create_holding(&content).await?;
    let (clone, copy) = (stage.spec(SIZE as u64)?, stage.spec(SIZE as u64)?);
    changed("a clone", Source::Volume(&volume).copy(stage, &clone).await)?;
    let snapshot = stage.snapshot(&volume).await?;
    changed("a volume of a snapshot", Source::Snapshot(&snapshot).copy(stage, &copy).await)?;
    stage.delete(&copy.volume).await?;
    stage.snapshot_holds("a snapshot whose volume was deleted", &snapshot, &content).await?;
    changed("delete_snapshot", stage.driver().await.delete_snapshot(&stage.ctx(), &snapshot).await)?;
    stage.delete(&volume).await?;
    // The room of the source may go to others now.
    let other = stage.create_holding(&pattern(stage.seed + 1, SIZE)).await?;
    stage.restart().await?;
    stage.holds("a clone whose source is deleted", &clone.volume, &content).await?;
    // The retry of a lost answer: what was asked for is so, and the source is not needed any more.
    unchanged("the same clone when its source is deleted", Source::Volume(&volume).copy(stage, &clone).await)?;
    stage.delete(&clone.volume).await?;
    stage.has_just("at the end", &[&other], &[]).await
}

async fn larger(stage: &Stage) -> Held {
    let content = pattern(stage.seed, SIZE);
    let volume = stage.create_holding(&content).await?;
    let snapshot = stage.snapshot(&volume).await?;
    let other = stage.create_holding(&pattern(stage.seed + 1, SIZE * 2)).await?;
    stage.delete(&other).await?;
    for from in [Source::Volume(&volume), Source::Snapshot(&snapshot)] {
        for size in [SIZE + 1, SIZE + 12_345, 8 << 20, SIZE * 2].map(|size| stage.whole(size)) {
            let spec = stage.spec(size as u64)?;
            let made = changed(from.name(), from.copy(stage, &spec).await)?;
            equal("the size of a larger copy", &made.size, &spec.size)?;
            unchanged(&format!("{} again", from.name()), from.copy(stage, &spec).await)?;
            let expected = with_zero_tail(&content, size);
            stage.holds(&format!("{} with {size} bytes of {SIZE}", from.name()), &spec.volume, &expected).await?;
            let other = VolumeSpec { volume: spec.volume.clone(), ..stage.spec((size + stage.unit()) as u64)? };
            refuses("the same copy with another size", from.copy(stage, &other).await, &[Kind::Conflict])?;
            stage.delete(&spec.volume).await?;
        }
    }
    Ok(())
}

async fn smaller(stage: &Stage) -> Held {
    let content = pattern(stage.seed, SIZE);
    let volume = stage.create_holding(&content).await?;
    let snapshot = stage.snapshot(&volume).await?;
    for from in [Source::Volume(&volume), Source::Snapshot(&snapshot)] {
        for size in [SIZE - stage.unit(), SIZE - 512 - stage.unit(), stage.unit()] {
            let spec = stage.spec(size as u64)?;
            let what = format!("{} with {size} bytes of {SIZE}", from.name());
            refuses(&what, from.copy(stage, &spec).await, &[Kind::Invalid])?;
            stage.is_absent("after its copy was refused", &spec.volume).await?;
        }
    }
    stage.has_just("after copies were refused", &[&volume], &[&snapshot]).await?;
    stage.holds("a volume after copies were refused", &volume, &content).await
}

/// Some of the clones get sectors of their own; then all go but the last, from the source on.
async fn chain(stage: &Stage) -> Held {
    let mut content = pattern(stage.seed, DEPTH * SECTOR);
    let mut volumes = vec![stage.create_holding(&content).await?];
    for number in 0..DEPTH {
        let (spec, source) = (stage.spec(content.len() as u64)?, &volumes[number]);
        changed(&format!("clone number {}", number + 1), Source::Volume(source).copy(stage, &spec).await)?;
        if number % WRITTEN == 0 {
            let (from, to) = (number * SECTOR, (number + WRITTEN) * SECTOR);
            let written = pattern(stage.seed + 1 + number as u64, to - from);
            stage.write(&spec.volume, from as u64, &written).await?;
            content[from..to].copy_from_slice(&written);
        }
        volumes.push(spec.volume);
    }
    let last = volumes.pop().ok_or_else(|| Stop::failed("no clone"))?;
    stage.holds("the last of the clones", &last, &content).await?;
    let half = stage.read(&volumes[DEPTH / 2]).await?;
    let written = DEPTH / 2 * SECTOR;
    same("the first half of the clone half-way", &half[..written], &content[..written])?;
    same("its second half", &half[written..], &pattern(stage.seed, DEPTH * SECTOR)[written..])?;
    for volume in &volumes {
        stage.delete(volume).await?;
    }
    stage.holds("the last of the clones, alone", &last, &content).await?;
    stage.has_just("without the chain", &[&last], &[]).await
}

/// From a copy to its source, from the source to its copies, and between copies.
async fn discard(stage: &Stage) -> Held {
    const FROM: usize = 1 << 20;
    const LENGTH: usize = 2 << 20;
    let content = pattern(stage.seed, SIZE);
    let volume = stage.create_holding(&content).await?;
    let snapshot = stage.snapshot(&volume).await?;
    let (clone, copy, kept) = (stage.spec(SIZE as u64)?, stage.spec(SIZE as u64)?, stage.spec(SIZE as u64)?);
    changed("a clone", Source::Volume(&volume).copy(stage, &clone).await)?;
    changed("a volume of a snapshot", Source::Snapshot(&snapshot).copy(stage, &copy).await)?;
    changed("a second clone", Source::Volume(&volume).copy(stage, &kept).await)?;
    let order = [&clone.volume, &volume, &copy.volume, &kept.volume];
    for (number, discarding) in order[..3].iter().enumerate() {
        let disk = stage.attach(discarding).await?;
        let discarded = disk.on_thread(|disk| disk.discard(FROM as u64, LENGTH as u64).and_then(|()| disk.sync()));
        discarded.await.map_err(|error| Stop::failed(format!("a client discards: {error}")))?;
        let found = disk.read_all().await?;
        disk.detach().await?;
        same("the bytes before those discarded", &found[..FROM], &content[..FROM])?;
        same("the bytes behind those discarded", &found[FROM + LENGTH..], &content[FROM + LENGTH..])?;
        for volume in &order[number + 1..] {
            stage.holds("a volume that shares bytes with one that discards", volume, &content).await?;
        }
        stage.snapshot_holds("a snapshot beside a volume that discards", &snapshot, &content).await?;
    }
    Ok(())
}
