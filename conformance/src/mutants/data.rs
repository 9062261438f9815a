//! Broken at what bytes are where.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use ashlar_common::{
    driver::{Driver, Error, Kind, OpCtx, Outcome, Result, Snapshot, SnapshotRef, Volume, VolumeRef, VolumeSpec},
    ids::VolumeId,
    units::ByteCount,
};
use async_trait::async_trait;

use super::{
    mutant::{Base, Mutant},
    twist::Twist,
    twisted::twisted,
};
use crate::memory::Fault;

/// How deep copies of copies may be, for the driver that counts them.
const DEEPEST: u32 = 60;

/// Mutants of behaviours 11 to 25.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant::below(11, "fresh_volume_is_not_zero", Fault::FreshIsNotZero),
    Mutant::below(12, "old_pages_reappear", Fault::OldPagesReappear),
    Mutant::below(12, "old_pages_reappear_in_a_thick_pool", Fault::OldPagesReappear).of(Base::Thick),
    Mutant::below(13, "grown_bytes_are_not_zero", Fault::GrownBytesAreNotZero),
    Mutant::below(14, "growing_loses_the_old_end", Fault::GrowingLosesTheOldEnd),
    Mutant::around(14, "extend_makes_it_anew", twisted::<GrowsAnew>).of(Base::Plain),
    Mutant::below(15, "snapshot_follows_its_volume", Fault::SnapshotFollows),
    Mutant::around(15, "snapshot_again_takes_new_bytes", twisted::<TakesAgain>),
    Mutant::below(16, "snapshot_takes_shared_pages_with_it", Fault::SnapshotTakesSharedPages),
    Mutant::below(17, "snapshot_merges_into_others", Fault::SnapshotMergesIntoOthers),
    Mutant::below(18, "clone_shares_bytes", Fault::CloneShares),
    Mutant::around(18, "clone_is_empty", twisted::<ClonesNothing>),
    Mutant::below(19, "delete_takes_shared_pages", Fault::DeleteTakesSharedPages),
    Mutant::around(19, "clone_goes_with_its_source", twisted::<RemovesClones>),
    Mutant::below(20, "larger_copy_ends_in_junk", Fault::LargerCopyEndsInJunk),
    Mutant::around(21, "smaller_copy_is_cut", twisted::<CutsCopies>),
    Mutant::around(22, "revert_does_nothing", twisted::<StaysAsItIs>),
    Mutant::below(22, "revert_brings_the_old_size", Fault::RevertBringsTheOldSize),
    Mutant::below(23, "sync_is_not_durable", Fault::SyncIsNotDurable),
    Mutant::around(24, "clones_end_at_some_depth", twisted::<CountsDepth>),
    Mutant::below(25, "discard_reaches_sharers", Fault::DiscardReachesSharers),
];

#[derive(Default)]
struct GrowsAnew;

#[async_trait]
impl Twist for GrowsAnew {
    async fn extend(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        volume: &VolumeRef,
        size: ByteCount,
    ) -> Result<Outcome<Volume>> {
        let grown = inner.extend(ctx, volume, size).await?;
        if let Outcome::Changed(_) = grown {
            inner.delete(ctx, volume).await?;
            let spec = VolumeSpec { volume: volume.clone(), size, extra_specs: BTreeMap::new() };
            inner.create(ctx, &spec).await?;
        }
        Ok(grown)
    }
}

#[derive(Default)]
struct TakesAgain;

#[async_trait]
impl Twist for TakesAgain {
    async fn create_snapshot(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        snapshot: &SnapshotRef,
    ) -> Result<Outcome<Snapshot>> {
        let taken = inner.create_snapshot(ctx, snapshot).await?;
        if let Outcome::Unchanged(_) = taken {
            inner.delete_snapshot(ctx, snapshot).await?;
            let again = inner.create_snapshot(ctx, snapshot).await?;
            return Ok(Outcome::Unchanged(again.into_inner()));
        }
        Ok(taken)
    }
}

#[derive(Default)]
struct ClonesNothing;

#[async_trait]
impl Twist for ClonesNothing {
    async fn clone_volume(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        _: &VolumeRef,
    ) -> Result<Outcome<Volume>> {
        inner.create(ctx, spec).await
    }
}

/// Which volume each was made from.
#[derive(Default)]
struct RemovesClones(Mutex<BTreeMap<VolumeId, (VolumeRef, VolumeId)>>);

#[async_trait]
impl Twist for RemovesClones {
    async fn clone_volume(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        source: &VolumeRef,
    ) -> Result<Outcome<Volume>> {
        let made = inner.clone_volume(ctx, spec, source).await?;
        let entry = (spec.volume.clone(), source.id);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(spec.volume.id, entry);
        Ok(made)
    }

    async fn delete(&self, inner: &dyn Driver, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<()>> {
        let clones: Vec<_> = {
            let made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            made.values().filter(|(_, source)| *source == volume.id).map(|(clone, _)| clone.clone()).collect()
        };
        for clone in clones {
            inner.delete(ctx, &clone).await?;
        }
        inner.delete(ctx, volume).await
    }
}

/// Makes what it can of a copy that does not fit.
#[derive(Default)]
struct CutsCopies;

#[async_trait]
impl Twist for CutsCopies {
    async fn create_from_snapshot(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        source: &SnapshotRef,
    ) -> Result<Outcome<Volume>> {
        match inner.create_from_snapshot(ctx, spec, source).await {
            Err(error) if error.kind() == Kind::Invalid => inner.create(ctx, spec).await,
            made => made,
        }
    }
}

#[derive(Default)]
struct StaysAsItIs;

#[async_trait]
impl Twist for StaysAsItIs {
    async fn revert(&self, inner: &dyn Driver, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<Volume>> {
        let volume = inner.inspect(ctx, &snapshot.volume).await?;
        volume.map(Outcome::Changed).ok_or_else(|| Error::new(Kind::NotFound, "no such volume"))
    }
}

/// How deep each volume is.
#[derive(Default)]
struct CountsDepth(Mutex<BTreeMap<VolumeId, u32>>);

#[async_trait]
impl Twist for CountsDepth {
    async fn clone_volume(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        source: &VolumeRef,
    ) -> Result<Outcome<Volume>> {
        let depth = {
            let mut depths = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let depth = depths.get(&source.id).map_or(1, |depth| depth + 1);
            depths.insert(spec.volume.id, depth);
            depth
        };
        if depth > DEEPEST {
            return Err(Error::new(Kind::Fatal, "too many levels of clones"));
        }
        inner.clone_volume(ctx, spec, source).await
    }
}
