//! Broken where only a history shows it.

use std::sync::atomic::{AtomicUsize, Ordering};

use ashlar_common::{
    driver::{Driver, Error, Kind, OpCtx, Outcome, Result, SnapshotRef, Volume, VolumeRef, VolumeSpec},
    ids::VolumeId,
};
use async_trait::async_trait;

use super::{mutant::Mutant, twist::Twist, twisted::twisted};

/// Mutants of behaviours 63 to 66.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant::around(63, "delete_forgets_one_in_ten", twisted::<ForgetsOneInTen>),
    Mutant::around(63, "revert_loses_other_snapshots", twisted::<RevertLosesOtherSnapshots>),
    Mutant::around(64, "stopped_create_leaves_half", twisted::<LeavesHalfWhenStopped>),
    Mutant::around(65, "killed_create_leaves_half", twisted::<LeavesHalfWhenKilled>),
    Mutant::around(66, "two_creates_at_once_both_made_it", twisted::<LooksBeforeItMakes>),
];

/// Says that it removed a volume, and every tenth time has not.
#[derive(Default)]
struct ForgetsOneInTen(AtomicUsize);

#[async_trait]
impl Twist for ForgetsOneInTen {
    async fn delete(&self, inner: &dyn Driver, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<()>> {
        if self.0.fetch_add(1, Ordering::Relaxed) % 10 == 9 {
            return Ok(Outcome::Changed(()));
        }
        inner.delete(ctx, volume).await
    }
}

/// Takes the other snapshots of a volume with it when it goes back to one.
#[derive(Default)]
struct RevertLosesOtherSnapshots;

#[async_trait]
impl Twist for RevertLosesOtherSnapshots {
    async fn revert(&self, inner: &dyn Driver, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<Volume>> {
        let none = || Error::new(Kind::Unsupported, "the driver inside cannot revert");
        let done = inner.revert().ok_or_else(none)?.revert(ctx, snapshot).await?;
        for other in inner.list(ctx).await?.snapshots {
            if other.snapshot.volume == snapshot.volume && other.snapshot.id != snapshot.id {
                inner.delete_snapshot(ctx, &other.snapshot).await?;
            }
        }
        Ok(done)
    }
}

/// Makes volumes with something beside them, which it removes unless it is stopped.
#[derive(Default)]
struct LeavesHalfWhenStopped;

#[async_trait]
impl Twist for LeavesHalfWhenStopped {
    async fn create(&self, inner: &dyn Driver, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        let half = half_of(inner, ctx, spec).await?;
        let made = inner.create(ctx, spec).await?;
        inner.delete(ctx, &half).await?;
        Ok(made)
    }
}

/// The same, and removes it whenever it lives.
#[derive(Default)]
struct LeavesHalfWhenKilled;

#[async_trait]
impl Twist for LeavesHalfWhenKilled {
    async fn create(&self, inner: &dyn Driver, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        let half = half_of(inner, ctx, spec).await?;
        let made = inner.create(ctx, spec).await;
        inner.delete(ctx, &half).await?;
        made
    }
}

async fn half_of(inner: &dyn Driver, ctx: &OpCtx, spec: &VolumeSpec) -> Result<VolumeRef> {
    let volume = VolumeRef { id: VolumeId::new(), ..spec.volume.clone() };
    inner.create(ctx, &VolumeSpec { volume: volume.clone(), ..spec.clone() }).await?;
    Ok(volume)
}

/// Looks whether the volume is there, and then makes it: what came between, it takes for its own.
#[derive(Default)]
struct LooksBeforeItMakes;

#[async_trait]
impl Twist for LooksBeforeItMakes {
    async fn create(&self, inner: &dyn Driver, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        let was_there = inner.inspect(ctx, &spec.volume).await?.is_some();
        tokio::task::yield_now().await;
        let made = inner.create(ctx, spec).await?;
        Ok(if was_there { made } else { Outcome::Changed(made.into_inner()) })
    }
}
