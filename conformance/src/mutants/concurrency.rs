//! Broken at calls at once, calls that are stopped, and hosts that die.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use ashlar_common::{
    driver::{
        AttachmentSpec, ConnectionInfo, Detach, Driver, Error, Kind, OpCtx, Outcome, Result, Snapshot, SnapshotRef,
        Volume, VolumeRef, VolumeSpec,
    },
    ids::AttachmentId,
    stats::BackendStats,
};
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::{mutant::Mutant, twist::Twist, twisted::twisted};
use crate::memory::Fault;

/// Between a look and what follows from it: others come in meanwhile.
const BETWEEN: Duration = Duration::from_millis(5);
/// What a driver gives itself that does not care for its caller's time.
const OWN_LIMIT: Duration = Duration::from_secs(300);

/// Mutants of behaviours 42 to 50.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant::around(42, "creates_at_once_share_a_slot", twisted::<SharesASlot>),
    Mutant::around(43, "clone_of_a_vanished_source_is_empty", twisted::<ClonesTheVanished>),
    Mutant::around(44, "snapshot_tells_the_size_of_before", twisted::<LooksBeforeIt>),
    Mutant::around(45, "deletes_at_once_all_say_changed", twisted::<DeletesAfterALook>),
    Mutant::below(46, "nothing_is_swept_after_a_death", Fault::NothingIsSwept),
    Mutant::below(46, "death_leaves_part_of_an_image", Fault::ImageVolumeIsThereTooEarly),
    Mutant::around(47, "unknown_outcome_is_told_as_unavailable", twisted::<KnowsBetter>),
    Mutant::around(48, "one_call_at_a_time", twisted::<OneAtATime>),
    Mutant::around(49, "cancellation_is_ignored", twisted::<IgnoresCancellation>),
    Mutant::around(49, "cancellation_is_fatal", twisted::<DiesOfCancellation>),
    Mutant::below(50, "host_that_opens_sweeps_the_living", Fault::TheLivingAreSwept),
    Mutant::around(50, "host_knows_only_its_own_attachments", twisted::<KnowsItsOwn>),
];

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is to be made stands in one place, for all calls.
#[derive(Default)]
struct SharesASlot(Mutex<Option<VolumeSpec>>);

#[async_trait]
impl Twist for SharesASlot {
    async fn create(&self, inner: &dyn Driver, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        *lock(&self.0) = Some(spec.clone());
        tokio::time::sleep(BETWEEN).await;
        let spec = lock(&self.0).clone().unwrap_or_else(|| spec.clone());
        inner.create(ctx, &spec).await
    }
}

/// Reads the source again after it looked, and takes one that has gone meanwhile for empty.
#[derive(Default)]
struct ClonesTheVanished;

#[async_trait]
impl Twist for ClonesTheVanished {
    async fn clone_volume(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        source: &VolumeRef,
    ) -> Result<Outcome<Volume>> {
        let was_there = inner.inspect(ctx, source).await?.is_some();
        match inner.clone_volume(ctx, spec, source).await {
            Err(error) if error.kind() == Kind::NotFound && was_there => return inner.create(ctx, spec).await,
            Err(error) => return Err(error),
            Ok(Outcome::Unchanged(there)) => return Ok(Outcome::Unchanged(there)),
            Ok(Outcome::Changed(_)) => {}
        }
        tokio::time::sleep(BETWEEN).await;
        if let Some(made) = inner.inspect(ctx, &spec.volume).await?
            && inner.inspect(ctx, source).await?.is_some()
        {
            return Ok(Outcome::Changed(made));
        }
        inner.delete(ctx, &spec.volume).await?;
        inner.create(ctx, spec).await
    }
}

#[derive(Default)]
struct LooksBeforeIt;

#[async_trait]
impl Twist for LooksBeforeIt {
    async fn create_snapshot(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        snapshot: &SnapshotRef,
    ) -> Result<Outcome<Snapshot>> {
        let before = inner.inspect(ctx, &snapshot.volume).await?.map(|volume| volume.size);
        tokio::time::sleep(BETWEEN).await;
        let taken = inner.create_snapshot(ctx, snapshot).await?;
        Ok(match (taken, before) {
            (Outcome::Changed(taken), Some(size)) => Outcome::Changed(Snapshot { size, ..taken }),
            (taken, _) => taken,
        })
    }
}

#[derive(Default)]
struct DeletesAfterALook;

#[async_trait]
impl Twist for DeletesAfterALook {
    async fn delete(&self, inner: &dyn Driver, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<()>> {
        if inner.inspect(ctx, volume).await?.is_none() {
            return Ok(Outcome::Unchanged(()));
        }
        tokio::time::sleep(BETWEEN).await;
        inner.delete(ctx, volume).await.map(|_| Outcome::Changed(()))
    }
}

/// Says that nothing was changed when it cannot know.
#[derive(Default)]
struct KnowsBetter;

#[async_trait]
impl Twist for KnowsBetter {
    async fn create(&self, inner: &dyn Driver, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        inner.create(ctx, spec).await.map_err(|error| match error.kind() {
            Kind::Indeterminate => Error::new(Kind::Unavailable, error.chain()),
            _ => error,
        })
    }
}

#[derive(Default)]
struct OneAtATime(tokio::sync::Mutex<()>);

#[async_trait]
impl Twist for OneAtATime {
    async fn create(&self, inner: &dyn Driver, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        let _alone = self.0.lock().await;
        inner.create(ctx, spec).await
    }

    async fn stats(&self, inner: &dyn Driver, ctx: &OpCtx) -> Result<BackendStats> {
        let _alone = self.0.lock().await;
        inner.stats(ctx).await
    }
}

#[derive(Default)]
struct IgnoresCancellation;

#[async_trait]
impl Twist for IgnoresCancellation {
    async fn create(&self, inner: &dyn Driver, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        let own = OpCtx::new(ctx.op(), OWN_LIMIT, CancellationToken::new());
        inner.create(&own, spec).await
    }
}

#[derive(Default)]
struct DiesOfCancellation;

#[async_trait]
impl Twist for DiesOfCancellation {
    async fn create(&self, inner: &dyn Driver, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        let made = inner.create(ctx, spec).await;
        made.map_err(|error| match ctx.cancel().is_cancelled() {
            true => Error::new(Kind::Fatal, error.chain()),
            false => error,
        })
    }
}

/// Keeps a list of attachments of its own, instead of asking the backend.
#[derive(Default)]
struct KnowsItsOwn(Mutex<BTreeSet<AttachmentId>>);

#[async_trait]
impl Twist for KnowsItsOwn {
    async fn attach(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        volume: &VolumeRef,
        attachment: &AttachmentSpec,
    ) -> Result<Outcome<ConnectionInfo>> {
        let made = inner.attach(ctx, volume, attachment).await?;
        lock(&self.0).insert(attachment.id);
        Ok(made)
    }

    async fn detach(&self, inner: &dyn Driver, ctx: &OpCtx, volume: &VolumeRef, which: Detach) -> Result<Outcome<()>> {
        match which {
            Detach::One(attachment) if !lock(&self.0).remove(&attachment) => Ok(Outcome::Unchanged(())),
            which => inner.detach(ctx, volume, which).await,
        }
    }
}
