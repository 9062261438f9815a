//! Broken at what only some drivers can do.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use ashlar_common::{
    driver::{
        Driver, Error, Kind, OpCtx, Outcome, Result, Snapshot, SnapshotRef, Volume, VolumeRef, capability::Limits,
    },
    ids::{PoolName, VolumeId},
};
use async_trait::async_trait;

use super::{mutant::Mutant, twist::Twist, twisted::twisted};
use crate::memory::Fault;

/// Between two snapshots that should be of one instant.
const BETWEEN: Duration = Duration::from_millis(20);

/// Mutants of behaviours 59 to 62.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant::around(59, "limits_are_not_enforced", twisted::<ForgetsLimits>),
    Mutant::around(59, "limits_are_never_lifted", twisted::<KeepsLimits>),
    Mutant::around(60, "group_snapshots_are_taken_one_by_one", twisted::<OneByOne>),
    Mutant::around(60, "group_snapshot_is_part_of_the_group", twisted::<LeavesOneOut>),
    Mutant::below(61, "volume_taken_over_is_wiped", Fault::ManageWipes),
    Mutant::around(61, "unmanage_removes_the_volume", twisted::<RemovesTheUnmanaged>),
    Mutant::below(62, "migrated_volume_loses_its_end", Fault::MigrateLosesTheEnd),
    Mutant::around(62, "migration_stays_where_it_is", twisted::<StaysThere>),
];

/// Writes limits down, and that is all.
#[derive(Default)]
struct ForgetsLimits(Mutex<BTreeMap<VolumeId, Limits>>);

#[async_trait]
impl Twist for ForgetsLimits {
    async fn limit(&self, inner: &dyn Driver, ctx: &OpCtx, volume: &VolumeRef, limits: &Limits) -> Result<Outcome<()>> {
        if inner.inspect(ctx, volume).await?.is_none() {
            return Err(Error::new(Kind::NotFound, "no such volume"));
        }
        let written = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(volume.id, *limits);
        let same = written.unwrap_or_default() == *limits;
        Ok(if same { Outcome::Unchanged(()) } else { Outcome::Changed(()) })
    }
}

/// Which volumes are limited, as its caller knows it.
#[derive(Default)]
struct KeepsLimits(Mutex<BTreeSet<VolumeId>>);

#[async_trait]
impl Twist for KeepsLimits {
    async fn limit(&self, inner: &dyn Driver, ctx: &OpCtx, volume: &VolumeRef, limits: &Limits) -> Result<Outcome<()>> {
        let lifted = {
            let mut limited = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let lifts = *limits == Limits::default();
            if !lifts {
                limited.insert(volume.id);
            }
            lifts.then(|| limited.remove(&volume.id))
        };
        match (lifted, inner.qos()) {
            (Some(true), _) => Ok(Outcome::Changed(())),
            (Some(false), _) => Ok(Outcome::Unchanged(())),
            (None, Some(qos)) => qos.limit(ctx, volume, limits).await,
            (None, None) => Err(Error::new(Kind::Unsupported, "no limits")),
        }
    }
}

#[derive(Default)]
struct OneByOne;

#[async_trait]
impl Twist for OneByOne {
    async fn create_group_snapshot(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        snapshots: &[SnapshotRef],
    ) -> Result<Outcome<Vec<Snapshot>>> {
        let (mut taken, mut changed) = (Vec::new(), false);
        for snapshot in snapshots {
            let answer = inner.create_snapshot(ctx, snapshot).await?;
            changed |= matches!(answer, Outcome::Changed(_));
            taken.push(answer.into_inner());
            tokio::time::sleep(BETWEEN).await;
        }
        Ok(if changed { Outcome::Changed(taken) } else { Outcome::Unchanged(taken) })
    }
}

/// Takes what it can of a group.
#[derive(Default)]
struct LeavesOneOut;

#[async_trait]
impl Twist for LeavesOneOut {
    async fn create_group_snapshot(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        snapshots: &[SnapshotRef],
    ) -> Result<Outcome<Vec<Snapshot>>> {
        let Some(group) = inner.group_snapshots() else {
            return Err(Error::new(Kind::Unsupported, "no groups"));
        };
        let taken = group.create_group_snapshot(ctx, snapshots).await;
        if taken.is_err() {
            for snapshot in snapshots {
                // Those that cannot be taken are left out.
                let _one = inner.create_snapshot(ctx, snapshot).await;
            }
        }
        taken
    }
}

#[derive(Default)]
struct RemovesTheUnmanaged;

#[async_trait]
impl Twist for RemovesTheUnmanaged {
    async fn unmanage(&self, inner: &dyn Driver, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<String>> {
        let name = format!("was-volume-{}", volume.id);
        match inner.delete(ctx, volume).await? {
            Outcome::Changed(()) => Ok(Outcome::Changed(name)),
            Outcome::Unchanged(()) => Err(Error::new(Kind::NotFound, "no such volume")),
        }
    }
}

#[derive(Default)]
struct StaysThere;

#[async_trait]
impl Twist for StaysThere {
    async fn migrate(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        volume: &VolumeRef,
        pool: &PoolName,
    ) -> Result<Outcome<Volume>> {
        match inner.inspect(ctx, volume).await? {
            Some(mut found) => {
                found.volume.pool = pool.clone();
                Ok(Outcome::Changed(found))
            }
            None => Err(Error::new(Kind::NotFound, "no such volume")),
        }
    }
}
