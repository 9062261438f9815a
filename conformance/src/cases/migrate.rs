//! Moving volumes between the pools of a backend.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use ashlar_common::{
    driver::{AccessMode, Detach, Kind, OpCtx, VolumeRef, capability::Migrate},
    ids::{OpId, PoolName},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    answers::{changed, done, equal, refuses, unchanged},
    behaviour::{Behaviour, Group},
    claims::Need,
    contents::pattern,
    outcome::{Held, Stop, ensure},
    stage::{Stage, refused},
    steps::Act,
};

use super::Case;

const SIZE: usize = (4 << 20) + 512;
/// Far above what a migration takes.
const MOST_STEPS: usize = 32;
/// A call to a host that died is not waited for any longer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);

/// Behaviour 62.
pub const CASES: &[Case] = &[Case {
    behaviour: Behaviour {
        number: 62,
        group: Group::Declared,
        name: "migrated_volume_has_every_byte_and_leaves_none",
        clauses: &["migrate.1", "migrate.2", "migrate.3"],
        need: Need::Migrate,
    },
    run: |stage| Box::pin(there_and_back(stage)),
}];

async fn there_and_back(stage: &Stage) -> Held {
    let Some(target) = stage.site.other_pool() else {
        return Err(Stop::NotRun("this site has no other pool to migrate to".to_owned()));
    };
    let content = pattern(stage.seed, SIZE);
    let old = stage.create_holding(&content).await?;
    let driver = stage.driver().await;
    let migrate = driver.migrate().ok_or_else(|| Stop::failed("the driver cannot migrate any more"))?;
    stays(stage, migrate, &old, &target).await?;
    stage.holds("a volume whose migration was refused", &old, &content).await?;
    let before = taken(stage, &old.pool).await?;
    let moved = changed("migrate", migrate.migrate(&stage.ctx(), &old, &target).await)?;
    let new = VolumeRef { id: old.id, pool: target.clone() };
    equal("the volume that the migration answers", &moved.volume, &new)?;
    equal("its size", &moved.size.bytes(), &(SIZE as u64))?;
    for (name, whom) in [("by its old pool", &old), ("by its new pool", &new)] {
        let answer = migrate.migrate(&stage.ctx(), whom, &target).await;
        unchanged(&format!("the same migration again, {name}"), answer)?;
    }
    stage.restart().await?;
    only_there(stage, &old, &new).await?;
    stage.holds("a migrated volume", &new, &content).await?;
    // Its own bytes are gone from the old pool, where that can be told.
    if let (Some(before), Some(after)) = (before, taken(stage, &old.pool).await?) {
        ensure(before.saturating_sub(after) >= SIZE as u64 / 2, || {
            format!("a volume of {SIZE} bytes left a pool that had {before} bytes taken, and has {after}")
        })?;
    }
    let driver = stage.driver().await;
    let migrate = driver.migrate().ok_or_else(|| Stop::failed("the driver cannot migrate any more"))?;
    changed("migrate back", migrate.migrate(&stage.ctx(), &new, &old.pool).await)?;
    only_there(stage, &new, &old).await?;
    stage.holds("a volume that is back", &old, &content).await?;
    stage.delete(&old).await?;
    for step in 0..MOST_STEPS {
        if !stopped(stage, &target, step).await? {
            return Ok(());
        }
    }
    Err(Stop::failed(format!("a migration has more than {MOST_STEPS} steps")))
}

/// Stops a migration at a step, by a killed host where the site knows steps, else by cancelling it so many milliseconds
/// after its beginning; then a repeat gets it there. Answers whether the migration came so far.
async fn stopped(stage: &Stage, target: &PoolName, step: usize) -> Held<bool> {
    let content = pattern(stage.seed + step as u64, SIZE);
    let old = stage.create_holding(&content).await?;
    let new = VolumeRef { id: old.id, pool: target.clone() };
    let came = stop_at(stage, &old, target, step).await?;
    stage.restart().await?;
    let when = format!("stopped at step {step} of its migration");
    let (here, there) = (stage.inspect(&old).await?.is_some(), stage.inspect(&new).await?.is_some());
    ensure(here != there, || format!("{when}, a volume is on its old pool: {here}, and on its new one: {there}"))?;
    stage.holds(&format!("a volume that was {when}"), if there { &new } else { &old }, &content).await?;
    let driver = stage.driver().await;
    let migrate = driver.migrate().ok_or_else(|| Stop::failed("the driver cannot migrate any more"))?;
    done("a migration that was stopped, again", migrate.migrate(&stage.ctx(), &old, target).await)?;
    only_there(stage, &old, &new).await?;
    stage.holds(&format!("a volume that was {when}, in the end"), &new, &content).await?;
    stage.delete(&new).await?;
    Ok(came)
}

async fn stop_at(stage: &Stage, volume: &VolumeRef, target: &PoolName, step: usize) -> Held<bool> {
    let driver = stage.driver().await;
    let migrate = driver.migrate().ok_or_else(|| Stop::failed("the driver cannot migrate any more"))?;
    let cancel = CancellationToken::new();
    let ctx = OpCtx::new(OpId::new(), ANSWERED_WITHIN, cancel.clone());
    let call = tokio::time::timeout(ANSWERED_WITHIN, migrate.migrate(&ctx, volume, target));
    let Some(steps) = stage.site.steps() else {
        let (answer, ()) = tokio::join!(call, async {
            tokio::time::sleep(Duration::from_millis(step as u64)).await;
            cancel.cancel();
        });
        return Ok(step + 1 < MOST_STEPS && !matches!(answer, Ok(Ok(_))));
    };
    let (count, died) = (AtomicUsize::new(0), Arc::new(Notify::new()));
    let dies = Arc::clone(&died);
    steps.watch(move |_| {
        if count.fetch_add(1, Ordering::AcqRel) != step {
            return Act::Go;
        }
        dies.notify_one();
        Act::DieBefore
    });
    // A dead host answers with an error, or not at all.
    let came = tokio::select! {
        biased;
        () = died.notified() => true,
        _answer = call => false,
    };
    steps.leave();
    Ok(came)
}

/// What must not move.
async fn stays(stage: &Stage, migrate: &dyn Migrate, volume: &VolumeRef, target: &PoolName) -> Held {
    let driver = stage.driver().await;
    let nowhere: PoolName = "no-such-pool".parse().map_err(Stop::failed)?;
    let answer = migrate.migrate(&stage.ctx(), volume, &nowhere).await;
    refuses("migrate to no pool", answer, &[Kind::NotFound])?;
    let absent = stage.spec(SIZE as u64)?.volume;
    let answer = migrate.migrate(&stage.ctx(), &absent, target).await;
    refuses("migrate of a volume that is not there", answer, &[Kind::NotFound])?;
    let spec = stage.attachment(AccessMode::ReadWrite);
    changed("attach", driver.attach(&stage.ctx(), volume, &spec).await)?;
    let answer = migrate.migrate(&stage.ctx(), volume, target).await;
    refuses("migrate of an attached volume", answer, &[Kind::Busy])?;
    changed("detach", driver.detach(&stage.ctx(), volume, Detach::All).await)?;
    let snapshot = stage.snapshot(volume).await?;
    let answer = migrate.migrate(&stage.ctx(), volume, target).await;
    refuses("migrate of a volume with a snapshot", answer, &[Kind::Busy])?;
    changed("delete_snapshot", driver.delete_snapshot(&stage.ctx(), &snapshot).await)?;
    let answer = migrate.migrate(&stage.ctx(), volume, &volume.pool).await;
    unchanged("migrate to where it is", answer).map(drop)
}

/// The volume is known by its new pool, once, and by that alone.
async fn only_there(stage: &Stage, old: &VolumeRef, new: &VolumeRef) -> Held {
    ensure(stage.inspect(old).await?.is_none(), || format!("a volume that left pool {} is still there", old.pool))?;
    ensure(stage.inspect(new).await?.is_some(), || format!("a volume that went to pool {} is not there", new.pool))?;
    let listed = stage.driver().await.list(&stage.ctx()).await.map_err(|error| refused("list", &error))?;
    let listed: Vec<_> = listed.volumes.into_iter().map(|volume| volume.volume).collect();
    equal("the volumes listed", &listed, &vec![new.clone()])
}

/// Bytes that a pool has given out, where it is told.
async fn taken(stage: &Stage, pool: &PoolName) -> Held<Option<u64>> {
    let told = stage.driver().await.stats(&stage.ctx()).await.map_err(|error| refused("stats", &error))?;
    let pool = told.pools.into_iter().find(|told| told.name == *pool);
    Ok(pool.and_then(|pool| pool.allocated.known()).map(ashlar_common::units::ByteCount::bytes))
}
