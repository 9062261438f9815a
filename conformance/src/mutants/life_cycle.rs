//! Broken at making, removing and listing volumes.

use std::{
    collections::BTreeSet,
    fs::File,
    sync::{Mutex, PoisonError},
};

use ashlar_common::{
    driver::{
        AttachmentSpec, ConnectionInfo, Detach, Driver, Error, Inventory, Kind, OpCtx, Outcome, Result, Volume,
        VolumeRef, VolumeSpec,
    },
    ids::VolumeId,
    units::ByteCount,
};
use async_trait::async_trait;

use super::{mutant::Mutant, twist::Twist, twisted::twisted};

/// Mutants of behaviours 1 to 10.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant::around(1, "rounds_sizes_up", twisted::<RoundsUp>),
    Mutant::around(2, "create_again_makes_it_anew", twisted::<MakesAnew>),
    Mutant::around(2, "create_again_is_a_conflict", twisted::<RefusesRepeats>),
    Mutant::around(3, "create_takes_what_is_there", twisted::<TakesWhatIsThere>),
    Mutant::around(4, "delete_always_says_changed", twisted::<AlwaysDeletes>),
    Mutant::around(4, "delete_again_is_an_error", twisted::<RemembersTheRemoved>),
    Mutant::around(5, "delete_of_the_unknown_is_an_error", twisted::<MissesTheUnknown>),
    Mutant::around(6, "delete_detaches_first", twisted::<DetachesFirst>),
    Mutant::around(7, "connector_names_a_file", twisted::<TrustsConnectors>),
    Mutant::around(8, "no_bytes_become_one", twisted::<NoBytesBecomeOne>),
    Mutant::around(8, "impossible_sizes_are_cut", twisted::<CutsImpossibleSizes>),
    Mutant::around(9, "full_pool_leaves_a_stub", twisted::<LeavesAStub>),
    Mutant::around(10, "list_misses_the_last_volume", twisted::<MissesTheLast>),
    Mutant::around(10, "list_shows_snapshots_as_volumes", twisted::<ShowsSnapshotsAsVolumes>),
];

#[derive(Default)]
struct RoundsUp;

#[async_trait]
impl Twist for RoundsUp {
    async fn create(&self, inner: &dyn Driver, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        let rounded = spec.size.bytes().next_multiple_of(4096);
        let size = ByteCount::new(rounded).unwrap_or(spec.size);
        inner.create(ctx, &VolumeSpec { size, ..spec.clone() }).await
    }
}

#[derive(Default)]
struct MakesAnew;

#[async_trait]
impl Twist for MakesAnew {
    async fn create(&self, inner: &dyn Driver, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        inner.delete(ctx, &spec.volume).await?;
        inner.create(ctx, spec).await
    }
}

#[derive(Default)]
struct RefusesRepeats;

#[async_trait]
impl Twist for RefusesRepeats {
    async fn create(&self, inner: &dyn Driver, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        match inner.create(ctx, spec).await? {
            Outcome::Unchanged(_) => Err(Error::new(Kind::Conflict, "the volume exists")),
            made => Ok(made),
        }
    }
}

#[derive(Default)]
struct TakesWhatIsThere;

#[async_trait]
impl Twist for TakesWhatIsThere {
    async fn create(&self, inner: &dyn Driver, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        match inner.inspect(ctx, &spec.volume).await? {
            Some(there) => Ok(Outcome::Unchanged(there)),
            None => inner.create(ctx, spec).await,
        }
    }
}

#[derive(Default)]
struct AlwaysDeletes;

#[async_trait]
impl Twist for AlwaysDeletes {
    async fn delete(&self, inner: &dyn Driver, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<()>> {
        inner.delete(ctx, volume).await.map(|_| Outcome::Changed(()))
    }
}

#[derive(Default)]
struct RemembersTheRemoved(Mutex<BTreeSet<VolumeId>>);

impl RemembersTheRemoved {
    /// Whether it was removed before; from now on it was.
    fn remember(&self, id: VolumeId) -> bool {
        !self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id)
    }
}

#[async_trait]
impl Twist for RemembersTheRemoved {
    async fn delete(&self, inner: &dyn Driver, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<()>> {
        let done = inner.delete(ctx, volume).await?;
        match (done, self.remember(volume.id)) {
            (Outcome::Unchanged(()), true) => Err(Error::new(Kind::NotFound, "the volume was removed before")),
            (done, _) => Ok(done),
        }
    }
}

#[derive(Default)]
struct MissesTheUnknown;

#[async_trait]
impl Twist for MissesTheUnknown {
    async fn delete(&self, inner: &dyn Driver, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<()>> {
        match inner.delete(ctx, volume).await? {
            Outcome::Unchanged(()) => Err(Error::new(Kind::NotFound, "no such volume")),
            done => Ok(done),
        }
    }
}

#[derive(Default)]
struct DetachesFirst;

#[async_trait]
impl Twist for DetachesFirst {
    async fn delete(&self, inner: &dyn Driver, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<()>> {
        inner.detach(ctx, volume, Detach::All).await?;
        inner.delete(ctx, volume).await
    }
}

/// Keeps a lock file a host, named by what the client calls itself.
#[derive(Default)]
struct TrustsConnectors;

#[async_trait]
impl Twist for TrustsConnectors {
    async fn attach(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        volume: &VolumeRef,
        attachment: &AttachmentSpec,
    ) -> Result<Outcome<ConnectionInfo>> {
        if let Some(host) = attachment.connector.host().filter(|host| host.contains('/')) {
            File::create(host).map_err(|error| Error::new(Kind::Fatal, error))?;
        }
        inner.attach(ctx, volume, attachment).await
    }
}

#[derive(Default)]
struct NoBytesBecomeOne;

#[async_trait]
impl Twist for NoBytesBecomeOne {
    async fn create(&self, inner: &dyn Driver, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        let size = spec.size.max(ByteCount::new(1).unwrap_or_default());
        inner.create(ctx, &VolumeSpec { size, ..spec.clone() }).await
    }
}

/// Counts sizes in 32 bits.
#[derive(Default)]
struct CutsImpossibleSizes;

#[async_trait]
impl Twist for CutsImpossibleSizes {
    async fn create(&self, inner: &dyn Driver, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        let kept = spec.size.bytes() & u64::from(u32::MAX >> 8);
        let size = ByteCount::new(kept).unwrap_or(spec.size);
        inner.create(ctx, &VolumeSpec { size, ..spec.clone() }).await
    }
}

#[derive(Default)]
struct LeavesAStub;

#[async_trait]
impl Twist for LeavesAStub {
    async fn create(&self, inner: &dyn Driver, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        let made = inner.create(ctx, spec).await;
        if made.as_ref().is_err_and(|error| error.kind() == Kind::OutOfSpace) {
            let size = ByteCount::new(1).unwrap_or_default();
            // That there is no room for the stub, either, is well.
            let _stub = inner.create(ctx, &VolumeSpec { size, ..spec.clone() }).await;
        }
        made
    }
}

#[derive(Default)]
struct MissesTheLast;

#[async_trait]
impl Twist for MissesTheLast {
    async fn list(&self, inner: &dyn Driver, ctx: &OpCtx) -> Result<Inventory> {
        let mut inventory = inner.list(ctx).await?;
        inventory.volumes.pop();
        Ok(inventory)
    }
}

#[derive(Default)]
struct ShowsSnapshotsAsVolumes;

#[async_trait]
impl Twist for ShowsSnapshotsAsVolumes {
    async fn list(&self, inner: &dyn Driver, ctx: &OpCtx) -> Result<Inventory> {
        let mut inventory = inner.list(ctx).await?;
        let shown = inventory.snapshots.iter().map(|snapshot| Volume {
            volume: snapshot.snapshot.volume.clone(),
            size: snapshot.size,
            allocated: None,
            attachments: Vec::new(),
        });
        inventory.volumes.extend(shown);
        Ok(inventory)
    }
}
