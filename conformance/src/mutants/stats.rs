//! Broken at what the scheduler is told.

use std::sync::{Mutex, MutexGuard, PoisonError};

use ashlar_common::{
    driver::{Driver, OpCtx, Outcome, Result, Volume, VolumeRef, VolumeSpec},
    stats::{BackendStats, Capacity, PoolStats},
    units::ByteCount,
};
use async_trait::async_trait;

use super::{
    mutant::{Base, Mutant},
    twist::Twist,
    twisted::twisted,
};
use crate::memory::Fault;

/// Mutants of behaviours 51 to 58.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant::around(51, "stats_count_kibibytes", twisted::<CountsKibibytes>),
    Mutant::around(51, "stats_miss_the_pool", twisted::<MissesThePool>),
    Mutant::around(51, "stats_promise_less_than_once", twisted::<PromisesNothing>),
    Mutant::around(52, "stats_stay_as_they_began", twisted::<StaysAsItBegan>).of(Base::Thick),
    Mutant::around(53, "stats_follow_calls_not_writes", twisted::<FollowsCalls>),
    Mutant::around(54, "unknown_is_zero", twisted::<UnknownIsZero>).of(Base::Plain),
    Mutant::around(55, "stats_of_yesterday_in_an_outage", twisted::<KeepsTheLast>),
    Mutant::around(56, "thin_metadata_is_always_free", twisted::<MetadataIsFree>),
    Mutant::around(56, "thin_metadata_is_not_told", twisted::<MetadataIsNotTold>),
    Mutant::below(57, "failure_keeps_room", Fault::FailureKeepsRoom).of(Base::Thick),
    Mutant::below(58, "room_is_counted_too_early", Fault::RoomIsCountedTooEarly).of(Base::Thick),
];

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The report, with every pool changed.
async fn changed(inner: &dyn Driver, ctx: &OpCtx, change: impl Fn(&mut PoolStats) + Send) -> Result<BackendStats> {
    let mut stats = inner.stats(ctx).await?;
    stats.pools.iter_mut().for_each(change);
    Ok(stats)
}

fn map_known(capacity: &mut Capacity, map: impl Fn(u64) -> u64) {
    if let Capacity::Known(count) = capacity {
        *count = ByteCount::new(map(count.bytes())).unwrap_or(ByteCount::MAX);
    }
}

#[derive(Default)]
struct CountsKibibytes;

#[async_trait]
impl Twist for CountsKibibytes {
    async fn stats(&self, inner: &dyn Driver, ctx: &OpCtx) -> Result<BackendStats> {
        changed(inner, ctx, |pool| {
            for capacity in [&mut pool.total, &mut pool.free, &mut pool.allocated] {
                map_known(capacity, |bytes| bytes / 1024);
            }
        })
        .await
    }
}

#[derive(Default)]
struct MissesThePool;

#[async_trait]
impl Twist for MissesThePool {
    async fn stats(&self, inner: &dyn Driver, ctx: &OpCtx) -> Result<BackendStats> {
        let mut stats = inner.stats(ctx).await?;
        // The other pool stays, twice.
        if let Some(first) = stats.pools.first().cloned() {
            stats.pools = vec![first.clone(), first];
        }
        Ok(stats)
    }
}

#[derive(Default)]
struct PromisesNothing;

#[async_trait]
impl Twist for PromisesNothing {
    async fn stats(&self, inner: &dyn Driver, ctx: &OpCtx) -> Result<BackendStats> {
        changed(inner, ctx, |pool| pool.max_over_subscription_ratio = 0.0).await
    }
}

#[derive(Default)]
struct StaysAsItBegan(Mutex<Option<BackendStats>>);

#[async_trait]
impl Twist for StaysAsItBegan {
    async fn stats(&self, inner: &dyn Driver, ctx: &OpCtx) -> Result<BackendStats> {
        let now = inner.stats(ctx).await?;
        Ok(lock(&self.0).get_or_insert(now).clone())
    }
}

/// Asks for the numbers after calls that change something, and tells those until the next.
#[derive(Default)]
struct FollowsCalls(Mutex<Option<BackendStats>>);

#[async_trait]
impl Twist for FollowsCalls {
    async fn create(&self, inner: &dyn Driver, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        let made = inner.create(ctx, spec).await?;
        *lock(&self.0) = None;
        self.stats(inner, ctx).await?;
        Ok(made)
    }

    async fn delete(&self, inner: &dyn Driver, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<()>> {
        let done = inner.delete(ctx, volume).await?;
        *lock(&self.0) = None;
        self.stats(inner, ctx).await?;
        Ok(done)
    }

    async fn stats(&self, inner: &dyn Driver, ctx: &OpCtx) -> Result<BackendStats> {
        let now = inner.stats(ctx).await?;
        Ok(lock(&self.0).get_or_insert(now).clone())
    }
}

#[derive(Default)]
struct UnknownIsZero;

#[async_trait]
impl Twist for UnknownIsZero {
    async fn stats(&self, inner: &dyn Driver, ctx: &OpCtx) -> Result<BackendStats> {
        changed(inner, ctx, |pool| {
            for capacity in [&mut pool.total, &mut pool.free, &mut pool.allocated] {
                if *capacity == Capacity::Unknown {
                    *capacity = Capacity::Known(ByteCount::ZERO);
                }
            }
        })
        .await
    }
}

#[derive(Default)]
struct KeepsTheLast(Mutex<Option<BackendStats>>);

#[async_trait]
impl Twist for KeepsTheLast {
    async fn stats(&self, inner: &dyn Driver, ctx: &OpCtx) -> Result<BackendStats> {
        let now = inner.stats(ctx).await;
        let mut last = lock(&self.0);
        match now {
            Ok(now) => Ok(last.insert(now).clone()),
            Err(error) => last.clone().ok_or(error),
        }
    }
}

#[derive(Default)]
struct MetadataIsFree;

#[async_trait]
impl Twist for MetadataIsFree {
    async fn stats(&self, inner: &dyn Driver, ctx: &OpCtx) -> Result<BackendStats> {
        let full = |percent: &mut Option<u8>| *percent = percent.map(|_| 100);
        changed(inner, ctx, |pool| full(&mut pool.thin_metadata_free_percentage)).await
    }
}

#[derive(Default)]
struct MetadataIsNotTold;

#[async_trait]
impl Twist for MetadataIsNotTold {
    async fn stats(&self, inner: &dyn Driver, ctx: &OpCtx) -> Result<BackendStats> {
        changed(inner, ctx, |pool| pool.thin_metadata_free_percentage = None).await
    }
}
