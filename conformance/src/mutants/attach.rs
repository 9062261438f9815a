//! Broken at what clients reach.

use ashlar_common::driver::{
    AccessMode, AttachmentSpec, ConnectionInfo, Detach, Driver, Error, Kind, OpCtx, Outcome, Result, VolumeRef,
};
use async_trait::async_trait;

use super::{
    mutant::{Base, Mutant},
    twist::Twist,
    twisted::twisted,
};
use crate::memory::Fault;

/// Mutants of behaviours 34 to 41.
pub(super) const MUTANTS: &[Mutant] = &[
    Mutant::around(34, "attach_again_gives_another_connection", twisted::<AttachesAnew>),
    Mutant::around(34, "attach_again_is_busy", twisted::<RefusesRepeats>),
    Mutant::around(35, "detach_of_the_unknown_is_an_error", twisted::<MissesTheUnknown>),
    Mutant::around(36, "detach_of_all_ends_one", twisted::<EndsOneOfAll>),
    Mutant::below(37, "old_connection_still_opens", Fault::OldTokensOpen),
    Mutant::around(38, "detach_of_one_ends_all", twisted::<EndsAll>),
    Mutant::below(39, "attachments_are_counted_too_early", Fault::AttachmentsAreCountedTooEarly),
    Mutant::below(39, "exclusive_attachments_are_counted_too_early", Fault::AttachmentsAreCountedTooEarly)
        .of(Base::Plain),
    Mutant::below(40, "exports_stay_after_detach", Fault::ExportsStay),
    Mutant::around(41, "read_only_clients_may_write", twisted::<IgnoresTheMode>),
];

#[derive(Default)]
struct AttachesAnew;

#[async_trait]
impl Twist for AttachesAnew {
    async fn attach(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        volume: &VolumeRef,
        attachment: &AttachmentSpec,
    ) -> Result<Outcome<ConnectionInfo>> {
        match inner.attach(ctx, volume, attachment).await? {
            Outcome::Unchanged(_) => {
                inner.detach(ctx, volume, Detach::One(attachment.id)).await?;
                Ok(Outcome::Unchanged(inner.attach(ctx, volume, attachment).await?.into_inner()))
            }
            made => Ok(made),
        }
    }
}

#[derive(Default)]
struct RefusesRepeats;

#[async_trait]
impl Twist for RefusesRepeats {
    async fn attach(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        volume: &VolumeRef,
        attachment: &AttachmentSpec,
    ) -> Result<Outcome<ConnectionInfo>> {
        match inner.attach(ctx, volume, attachment).await? {
            Outcome::Unchanged(_) => Err(Error::new(Kind::Busy, "the volume is attached")),
            made => Ok(made),
        }
    }
}

#[derive(Default)]
struct MissesTheUnknown;

#[async_trait]
impl Twist for MissesTheUnknown {
    async fn detach(&self, inner: &dyn Driver, ctx: &OpCtx, volume: &VolumeRef, which: Detach) -> Result<Outcome<()>> {
        match inner.detach(ctx, volume, which).await? {
            Outcome::Unchanged(()) => Err(Error::new(Kind::NotFound, "no such attachment")),
            done => Ok(done),
        }
    }
}

#[derive(Default)]
struct EndsOneOfAll;

#[async_trait]
impl Twist for EndsOneOfAll {
    async fn detach(&self, inner: &dyn Driver, ctx: &OpCtx, volume: &VolumeRef, which: Detach) -> Result<Outcome<()>> {
        let found = inner.inspect(ctx, volume).await?;
        let first = found.and_then(|found| found.attachments.first().copied());
        match (which, first) {
            (Detach::All, Some(first)) => inner.detach(ctx, volume, Detach::One(first)).await,
            (which, _) => inner.detach(ctx, volume, which).await,
        }
    }
}

#[derive(Default)]
struct EndsAll;

#[async_trait]
impl Twist for EndsAll {
    async fn detach(&self, inner: &dyn Driver, ctx: &OpCtx, volume: &VolumeRef, _: Detach) -> Result<Outcome<()>> {
        inner.detach(ctx, volume, Detach::All).await
    }
}

#[derive(Default)]
struct IgnoresTheMode;

#[async_trait]
impl Twist for IgnoresTheMode {
    async fn attach(
        &self,
        inner: &dyn Driver,
        ctx: &OpCtx,
        volume: &VolumeRef,
        attachment: &AttachmentSpec,
    ) -> Result<Outcome<ConnectionInfo>> {
        let attachment = AttachmentSpec { mode: AccessMode::ReadWrite, ..attachment.clone() };
        inner.attach(ctx, volume, &attachment).await
    }
}
