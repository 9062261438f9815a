//! Calls at once, on different objects and on the same.

use std::collections::BTreeMap;

use ashlar_common::{
    driver::{Inventory, Kind, Outcome, SnapshotRef, VolumeRef, VolumeSpec},
    ids::{SnapshotId, VolumeId},
};

use crate::{
    answers::{changed, done, equal, refuses, unchanged},
    behaviour::{Behaviour, Group},
    claims::Need,
    contents::{pattern, with_zero_tail},
    outcome::{Held, Stop, ensure},
    race,
    stage::{Stage, refused},
};

use super::Case;

/// The size of most volumes here; no multiple of a block.
const SIZE: usize = (1 << 20) + 512;
/// How many calls are made at once.
const CALLS: usize = 16;
/// How often two calls race: either may come first.
const ROUNDS: u64 = 8;

/// Behaviours 42 to 45.
pub const CASES: &[Case] = &[
    Case {
        behaviour: Behaviour {
            number: 42,
            group: Group::Concurrency,
            name: "creates_at_once_make_each_volume_once",
            clauses: &["call.5", "create.2", "list.1"],
            need: Need::Core,
        },
        run: |stage| Box::pin(creates(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 43,
            group: Group::Concurrency,
            name: "clone_of_a_volume_that_is_being_deleted_is_whole_or_not_there",
            clauses: &["call.6", "copy.1", "copy.3", "delete.3"],
            need: Need::Core,
        },
        run: |stage| Box::pin(delete_against_clone(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 44,
            group: Group::Concurrency,
            name: "snapshot_of_a_growing_volume_has_the_old_size_or_the_new",
            clauses: &["call.6", "extend.2", "snapshot.1"],
            need: Need::Core,
        },
        run: |stage| Box::pin(snapshot_against_extend(stage)),
    },
    Case {
        behaviour: Behaviour {
            number: 45,
            group: Group::Concurrency,
            name: "of_deletes_of_one_volume_at_once_one_changes_something",
            clauses: &["call.5", "call.6", "delete.1", "snapshot.3"],
            need: Need::Core,
        },
        run: |stage| Box::pin(deletes(stage)),
    },
];

async fn list(stage: &Stage) -> Held<Inventory> {
    stage.driver().await.list(&stage.ctx()).await.map_err(|error| refused("list", &error))
}

/// How many of these answers say that they changed something; the others say that it was so.
fn count_changes<T>(call: &str, answers: Vec<ashlar_common::driver::Result<Outcome<T>>>) -> Held<usize> {
    let mut changes = 0;
    for answer in answers {
        match answer {
            Ok(Outcome::Changed(_)) => changes += 1,
            other => unchanged(call, other).map(drop)?,
        }
    }
    Ok(changes)
}

async fn create_call(stage: &Stage, spec: VolumeSpec) -> race::Call<ashlar_common::driver::Result<Outcome<()>>> {
    let (driver, ctx) = (stage.driver().await, stage.ctx());
    Box::pin(async move {
        Ok(match driver.create(&ctx, &spec).await? {
            Outcome::Changed(_) => Outcome::Changed(()),
            Outcome::Unchanged(_) => Outcome::Unchanged(()),
        })
    })
}

async fn delete_call(stage: &Stage, volume: VolumeRef) -> race::Call<ashlar_common::driver::Result<Outcome<()>>> {
    let (driver, ctx) = (stage.driver().await, stage.ctx());
    Box::pin(async move { driver.delete(&ctx, &volume).await })
}

/// Many volumes, each asked for twice, all at once.
async fn creates(stage: &Stage) -> Held {
    let mut sizes = BTreeMap::new();
    let (mut calls, mut volumes) = (Vec::new(), Vec::new());
    for number in 0..CALLS as u64 {
        let spec = stage.spec(SIZE as u64 + number * stage.unit() as u64)?;
        sizes.insert(spec.volume.id, spec.size);
        volumes.push(spec.volume.clone());
        calls.push(create_call(stage, spec.clone()).await);
        calls.push(create_call(stage, spec).await);
    }
    let changes = count_changes("create while others create", race::all(calls).await?)?;
    ensure(changes == CALLS, || {
        format!("{CALLS} volumes were each asked for twice at once, and {changes} answers say that they made one")
    })?;
    let listed = list(stage).await?;
    let found: Vec<_> = listed.volumes.iter().map(|volume| (volume.volume.id, volume.size)).collect();
    equal("the volumes listed", &found, &sizes.into_iter().collect::<Vec<_>>())?;
    for volume in volumes.iter().step_by(5) {
        let bytes = stage.read(volume).await?;
        ensure(bytes.iter().all(|byte| *byte == 0), || "a volume made beside others does not read zero".to_owned())?;
    }
    let mut calls = Vec::new();
    for volume in volumes {
        calls.push(delete_call(stage, volume).await);
    }
    for answer in race::all(calls).await? {
        changed("delete while others delete", answer)?;
    }
    equal("what is listed in the end", &list(stage).await?, &Inventory::default())
}

/// How often two calls are to race.
fn rounds(stage: &Stage) -> u64 {
    if stage.site.steps().is_some() { 2 } else { ROUNDS }
}

async fn delete_against_clone(stage: &Stage) -> Held {
    for round in 0..rounds(stage) {
        let content = pattern(stage.seed + round, SIZE);
        let source = stage.create_holding(&content).await?;
        let clone = stage.spec(2 * SIZE as u64)?;
        let (driver, ctx, from, wanted) = (stage.driver().await, stage.ctx(), source.clone(), clone.clone());
        let cloning = async move { driver.clone_volume(&ctx, &wanted, &from).await };
        let deleting = delete_call(stage, source.clone()).await;
        let (cloned, deleted) = if round % 2 == 0 {
            race::meet(stage, "clone_volume", cloning, deleting).await?
        } else {
            let (deleted, cloned) = race::meet(stage, "delete", deleting, cloning).await?;
            (cloned, deleted)
        };
        ensure(cloned.is_ok() || deleted.is_ok(), || {
            "clone and delete at once, and both were refused: one could have gone first".to_owned()
        })?;
        match cloned {
            Ok(_) => {
                stage
                    .holds("a clone of what was being deleted", &clone.volume, &with_zero_tail(&content, 2 * SIZE))
                    .await?;
                stage.delete(&clone.volume).await?;
            }
            refusal => {
                refuses("clone of what is being deleted", refusal, &[Kind::NotFound, Kind::Busy])?;
                let there = stage.inspect(&clone.volume).await?;
                ensure(there.is_none(), || "a clone that was refused is there".to_owned())?;
            }
        }
        match deleted {
            Ok(_) => {
                let there = stage.inspect(&source).await?;
                ensure(there.is_none(), || "a volume that was deleted is there".to_owned())?;
            }
            refusal => {
                refuses("delete of what is being cloned", refusal, &[Kind::Busy])?;
                stage.holds("a volume whose delete was refused", &source, &content).await?;
                stage.delete(&source).await?;
            }
        }
    }
    Ok(())
}

async fn snapshot_against_extend(stage: &Stage) -> Held {
    for round in 0..rounds(stage) {
        let content = pattern(stage.seed + round, SIZE);
        let grown = with_zero_tail(&content, 2 * SIZE);
        let volume = stage.create_holding(&content).await?;
        let snapshot = SnapshotRef { id: SnapshotId::new(), volume: volume.clone() };
        let (driver, ctx, wanted) = (stage.driver().await, stage.ctx(), snapshot.clone());
        let taking = async move { driver.create_snapshot(&ctx, &wanted).await };
        let (driver, ctx, of, size) =
            (stage.driver().await, stage.ctx(), volume.clone(), stage.spec(2 * SIZE as u64)?.size);
        let growing = async move { driver.extend(&ctx, &of, size).await };
        let (taken, extended) = if round % 2 == 0 {
            race::meet(stage, "create_snapshot", taking, growing).await?
        } else {
            let (extended, taken) = race::meet(stage, "extend", growing, taking).await?;
            (taken, extended)
        };
        ensure(taken.is_ok() || extended.is_ok(), || {
            "snapshot and extend at once, and both were refused: one could have gone first".to_owned()
        })?;
        let now = match extended {
            Ok(_) => &grown,
            refusal => {
                refuses("extend of what a snapshot is taken of", refusal, &[Kind::Busy])?;
                &content
            }
        };
        stage.holds("a volume that grew beside a snapshot", &volume, now).await?;
        match taken {
            Ok(found) => {
                let told = found.into_inner().size.bytes();
                snapshot_is_of_one_size(stage, &snapshot, told, [&content, &grown]).await?;
                done("delete_snapshot", stage.driver().await.delete_snapshot(&stage.ctx(), &snapshot).await)?;
            }
            refusal => refuses("snapshot of a growing volume", refusal, &[Kind::Busy])?,
        }
        stage.delete(&volume).await?;
    }
    Ok(())
}

async fn snapshot_is_of_one_size(stage: &Stage, snapshot: &SnapshotRef, told: u64, either: [&Vec<u8>; 2]) -> Held {
    let expected = either.into_iter().find(|content| content.len() as u64 == told);
    let expected = expected.ok_or_else(|| {
        Stop::failed(format!("a snapshot taken while its volume grew has neither size, but {told} bytes"))
    })?;
    let found = stage.driver().await.inspect_snapshot(&stage.ctx(), snapshot).await;
    let found = found.map_err(|error| refused("inspect_snapshot", &error))?.map(|snapshot| snapshot.size.bytes());
    equal("the size of a snapshot taken while its volume grew", &found, &Some(told))?;
    stage.snapshot_holds("a snapshot taken while its volume grew", snapshot, expected).await
}

async fn deletes(stage: &Stage) -> Held {
    let volume = stage.create_holding(&pattern(stage.seed, SIZE)).await?;
    let other = stage.create(SIZE as u64).await?;
    let snapshot = stage.snapshot(&other).await?;
    let mut calls = Vec::new();
    for _ in 0..CALLS {
        calls.push(delete_call(stage, volume.clone()).await);
    }
    let changes = count_changes("delete while others delete the same", race::all(calls).await?)?;
    ensure(changes == 1, || {
        format!("one volume was deleted {CALLS} times at once, and {changes} say that they did it")
    })?;
    let mut calls: Vec<race::Call<_>> = Vec::new();
    for _ in 0..CALLS {
        let (driver, ctx, snapshot) = (stage.driver().await, stage.ctx(), snapshot.clone());
        calls.push(Box::pin(async move { driver.delete_snapshot(&ctx, &snapshot).await }));
    }
    let changes = count_changes("delete_snapshot while others delete the same", race::all(calls).await?)?;
    ensure(changes == 1, || {
        format!("one snapshot was deleted {CALLS} times at once, and {changes} say that they did it")
    })?;
    let listed = list(stage).await?;
    let left: Vec<VolumeId> = listed.volumes.iter().map(|volume| volume.volume.id).collect();
    equal("the volumes left", &left, &vec![other.id])?;
    equal("the snapshots left", &listed.snapshots, &Vec::new())
}
