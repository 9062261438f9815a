//! A driver with faults in its way: what happens to calls between a manager and a driver that is itself in order.
//!
//! Forwards every call and every capability, and lets a plan say for each call whether it gets lost before its effect or
//! after it, hangs, or is late. It stands for the way to the driver, so it never changes what the driver does.

mod capabilities;
#[cfg(test)]
mod tests;

use std::{future::Future, sync::Arc, time::Duration};

use ashlar_common::{
    driver::{
        AttachmentSpec, ConnectionInfo, Detach, Driver, DriverInfo, Error, ImageFile, Inventory, Kind, OpCtx, Outcome,
        Result, Snapshot, SnapshotRef, Volume, VolumeRef, VolumeSpec,
    },
    stats::BackendStats,
    units::ByteCount,
};
use async_trait::async_trait;
use tokio::sync::Notify;

use crate::offers::offers_what_inner_has;

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It never gets to the driver, and this is the answer.
    Before(Kind),
    /// It has its effect, and the answer gets lost: `Indeterminate`. An error of the driver is passed on.
    After,
    /// It never gets to the driver, and is not answered while its context lasts.
    HangBefore,
    /// It has its effect, and is not answered while its context lasts. An error of the driver is passed on.
    HangAfter,
    /// It gets to the driver so much later.
    Delay(Duration),
}

/// Says what happens to a call, by the name of its method. Asked once a call.
pub type Plan = Arc<dyn Fn(&'static str) -> Fault + Send + Sync>;

/// A driver, and the faults on the way to it.
pub struct Faulty {
    inner: Arc<dyn Driver>,
    plan: Plan,
    hanging: Arc<Notify>,
}

impl Faulty {
    /// Puts the plan's faults in the way to `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Driver>, plan: Plan) -> Self {
        Self { inner, plan, hanging: Arc::default() }
    }

    /// Comes when a call hangs: a test can then end its context, instead of waiting for that to happen.
    pub fn hanging(&self) -> impl Future<Output = ()> + Send + use<> {
        let hanging = Arc::clone(&self.hanging);
        async move { hanging.notified().await }
    }

    /// Makes a call as planned.
    async fn call<T>(&self, ctx: &OpCtx, name: &'static str, call: impl Future<Output = Result<T>>) -> Result<T> {
        match (self.plan)(name) {
            Fault::None => call.await,
            Fault::Before(kind) => Err(Error::new(kind, format!("{name} was refused on purpose"))),
            Fault::After => {
                call.await?;
                Err(Error::new(Kind::Indeterminate, format!("the answer of {name} was lost on purpose")))
            }
            Fault::HangBefore => self.hang(ctx).await,
            Fault::HangAfter => {
                call.await?;
                self.hang(ctx).await
            }
            Fault::Delay(by) => {
                ctx.bounded(tokio::time::sleep(by)).await?;
                call.await
            }
        }
    }

    async fn hang<T>(&self, ctx: &OpCtx) -> Result<T> {
        self.hanging.notify_one();
        match ctx.bounded(std::future::pending::<std::convert::Infallible>()).await {
            Ok(never) => match never {},
            Err(stopped) => Err(stopped.into()),
        }
    }
}

#[async_trait]
impl Driver for Faulty {
    fn info(&self) -> DriverInfo {
        self.inner.info()
    }

    async fn stats(&self, ctx: &OpCtx) -> Result<BackendStats> {
        self.call(ctx, "stats", self.inner.stats(ctx)).await
    }

    async fn inspect(&self, ctx: &OpCtx, volume: &VolumeRef) -> Result<Option<Volume>> {
        self.call(ctx, "inspect", self.inner.inspect(ctx, volume)).await
    }

    async fn inspect_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Option<Snapshot>> {
        self.call(ctx, "inspect_snapshot", self.inner.inspect_snapshot(ctx, snapshot)).await
    }

    async fn list(&self, ctx: &OpCtx) -> Result<Inventory> {
        self.call(ctx, "list", self.inner.list(ctx)).await
    }

    async fn create(&self, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        self.call(ctx, "create", self.inner.create(ctx, spec)).await
    }

    async fn delete(&self, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<()>> {
        self.call(ctx, "delete", self.inner.delete(ctx, volume)).await
    }

    async fn extend(&self, ctx: &OpCtx, volume: &VolumeRef, size: ByteCount) -> Result<Outcome<Volume>> {
        self.call(ctx, "extend", self.inner.extend(ctx, volume, size)).await
    }

    async fn create_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<Snapshot>> {
        self.call(ctx, "create_snapshot", self.inner.create_snapshot(ctx, snapshot)).await
    }

    async fn delete_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<()>> {
        self.call(ctx, "delete_snapshot", self.inner.delete_snapshot(ctx, snapshot)).await
    }

    async fn create_from_snapshot(
        &self,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        source: &SnapshotRef,
    ) -> Result<Outcome<Volume>> {
        self.call(ctx, "create_from_snapshot", self.inner.create_from_snapshot(ctx, spec, source)).await
    }

    async fn clone_volume(&self, ctx: &OpCtx, spec: &VolumeSpec, source: &VolumeRef) -> Result<Outcome<Volume>> {
        self.call(ctx, "clone_volume", self.inner.clone_volume(ctx, spec, source)).await
    }

    async fn attach(
        &self,
        ctx: &OpCtx,
        volume: &VolumeRef,
        attachment: &AttachmentSpec,
    ) -> Result<Outcome<ConnectionInfo>> {
        self.call(ctx, "attach", self.inner.attach(ctx, volume, attachment)).await
    }

    async fn detach(&self, ctx: &OpCtx, volume: &VolumeRef, which: Detach) -> Result<Outcome<()>> {
        self.call(ctx, "detach", self.inner.detach(ctx, volume, which)).await
    }

    async fn copy_image_to_volume(&self, ctx: &OpCtx, spec: &VolumeSpec, image: &ImageFile) -> Result<Outcome<Volume>> {
        self.call(ctx, "copy_image_to_volume", self.inner.copy_image_to_volume(ctx, spec, image)).await
    }

    async fn copy_volume_to_image(&self, ctx: &OpCtx, volume: &VolumeRef, image: &ImageFile) -> Result<Outcome<()>> {
        self.call(ctx, "copy_volume_to_image", self.inner.copy_volume_to_image(ctx, volume, image)).await
    }

    offers_what_inner_has!();
}
