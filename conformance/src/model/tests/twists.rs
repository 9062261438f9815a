//! Drivers that are broken where only a history shows it.

use std::sync::atomic::{AtomicUsize, Ordering};

use ashlar_common::{
    driver::{Driver, OpCtx, Outcome, Result, SnapshotRef, Volume, VolumeRef, VolumeSpec},
    ids::VolumeId,
};
use async_trait::async_trait;

use crate::mutants::Twist;

/// Says that it removed a volume, and every tenth time has not.
#[derive(Default)]
pub(super) struct ForgetsOneInTen(AtomicUsize);

#[async_trait]
impl Twist for ForgetsOneInTen {
    async fn delete(&self, inner: &dyn Driver, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<()>> {
        if self.0.fetch_add(1, Ordering::Relaxed) % 10 == 9 {
            return Ok(Outcome::Changed(()));
        }
        inner.delete(ctx, volume).await
    }
}

/// Makes volumes with something beside them, which it removes if it lives.
#[derive(Default)]
pub(super) struct LeavesHalfWhenKilled;

#[async_trait]
impl Twist for LeavesHalfWhenKilled {
    async fn create(&self, inner: &dyn Driver, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        let mut half = spec.clone();
        half.volume.id = VolumeId::new();
        inner.create(ctx, &half).await?;
        let made = inner.create(ctx, spec).await;
        inner.delete(ctx, &half.volume).await?;
        made
    }
}

/// Takes the other snapshots of a volume with it when it goes back to one.
#[derive(Default)]
pub(super) struct RevertLosesOtherSnapshots;

#[async_trait]
impl Twist for RevertLosesOtherSnapshots {
    async fn revert(&self, inner: &dyn Driver, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<Volume>> {
        let Some(revert) = inner.revert() else { unreachable!("the driver inside can revert") };
        let done = revert.revert(ctx, snapshot).await?;
        for other in inner.list(ctx).await?.snapshots {
            if other.snapshot.volume == snapshot.volume && other.snapshot.id != snapshot.id {
                inner.delete_snapshot(ctx, &other.snapshot).await?;
            }
        }
        Ok(done)
    }
}
