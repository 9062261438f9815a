//! The model as a driver of the contract: calls take virtual time, take effect at one moment of it, and may go wrong
//! before or after that.

use std::time::Duration;

use ashlar_common::{
    driver::{
        AttachmentSpec, ConnectionInfo, Detach, Driver, DriverInfo, Error, ImageFile, Inventory, Kind, OpCtx, Outcome,
        Progress, Result, Snapshot, SnapshotRef, Volume, VolumeRef, VolumeSpec,
        capability::{ActiveActive, MultiAttach, OnlineExtend, Revert},
    },
    ids::{BackendName, VolumeId},
    stats::BackendStats,
    units::ByteCount,
};
use async_trait::async_trait;

use super::{
    content::Content,
    effect::Effect,
    turn::{Trouble, Turn},
};
use crate::{planted::Planted, surroundings::Identity};

/// The driver of a backend in one host.
#[derive(Clone, Debug)]
pub(crate) struct ModelDriver {
    pub(crate) host: Identity,
    pub(crate) backend: BackendName,
    pub(crate) epoch: u64,
    pub(crate) seats: u32,
    pub(crate) multi_attach: bool,
}

/// What a call is called, what it changes, and what it reads.
struct Call {
    name: &'static str,
    writes: String,
    reads: Option<String>,
}

fn call(name: &'static str, writes: impl ToString) -> Call {
    Call { name, writes: writes.to_string(), reads: None }
}

impl ModelDriver {
    async fn change<T>(
        &self,
        ctx: &OpCtx,
        call: Call,
        effect: impl FnOnce(&mut Content) -> Result<Outcome<T>>,
    ) -> Result<Outcome<T>> {
        let turn = Turn::draw(&self.host.fabric, true);
        self.wait(ctx, turn.before, 0).await?;
        if turn.hangs {
            ctx.bounded(std::future::pending::<()>()).await?;
        }
        if let Some(Trouble::Before(kind)) = turn.trouble {
            self.note(&call, format_args!("{kind}, and nothing happened"));
            return Err(Error::new(kind, "the simulation made it fail"));
        }
        let answer = self.take_effect(ctx, &call, effect);
        self.wait(ctx, turn.after, 1).await?;
        if let Some(Trouble::After(kind)) = turn.trouble {
            self.note(&call, format_args!("{kind}, though it happened"));
            return Err(Error::new(kind, "the simulation made it fail after its effect"));
        }
        answer
    }

    fn take_effect<T>(
        &self,
        ctx: &OpCtx,
        call: &Call,
        effect: impl FnOnce(&mut Content) -> Result<Outcome<T>>,
    ) -> Result<Outcome<T>> {
        // As drivers must: asked where it happens, since the process may have stood still until now.
        ctx.check()?;
        let mut inner = self.host.fabric.inner();
        let step = inner.step;
        let newest = inner.newest.get(&self.backend).copied().unwrap_or(0);
        if self.seats == 1 && self.epoch < newest {
            let text =
                format!("{} of epoch {} touches {} under epoch {newest}", self.host.name, self.epoch, self.backend);
            inner.break_law(text);
        }
        let Some(content) = inner.backends.get_mut(&self.backend) else {
            return Err(Error::new(Kind::Fatal, "no such backend"));
        };
        let answer = effect(content);
        let revenants = std::mem::take(&mut content.revenants);
        for id in revenants {
            inner.break_law(format!("{} made {id} again, which had been removed", call.name));
        }
        let told = match &answer {
            Ok(Outcome::Changed(_)) => {
                inner.effects.push(Effect {
                    step,
                    op: ctx.op(),
                    place: self.host.place,
                    call: call.name,
                    wrote: call.writes.clone(),
                    read: call.reads.clone(),
                });
                "done".to_owned()
            }
            Ok(Outcome::Unchanged(_)) => "unchanged".to_owned(),
            Err(error) => error.chain(),
        };
        inner.note(&self.host.name, format_args!("backend: {} {}: {told}", call.name, short(&call.writes)));
        answer
    }

    /// Waits, in quarters where it is long, and says so: long calls report how far they are.
    async fn wait(&self, ctx: &OpCtx, time: Duration, half: u64) -> Result<()> {
        let parts = if time < Duration::from_millis(100) { 1 } else { 4 };
        for part in 1..=parts {
            ctx.bounded(tokio::time::sleep(time / parts)).await?;
            ctx.report(Progress { done: half * 4 + u64::from(part * 4 / parts), total: 8 });
        }
        Ok(())
    }

    async fn look<T>(&self, ctx: &OpCtx, look: impl FnOnce(&Content) -> T) -> Result<T> {
        let turn = Turn::draw(&self.host.fabric, false);
        ctx.bounded(tokio::time::sleep(turn.before)).await?;
        if let Some(Trouble::Before(kind)) = turn.trouble {
            return Err(Error::new(kind, "the simulation made it fail"));
        }
        let seen = self.host.fabric.inner().backends.get(&self.backend).map(look);
        ctx.bounded(tokio::time::sleep(turn.after)).await?;
        seen.ok_or_else(|| Error::new(Kind::Fatal, "no such backend"))
    }

    /// The planted error of that name.
    fn delete_after_answer(&self, ctx: OpCtx, id: VolumeId) {
        let (driver, pause) = (self.clone(), self.host.fabric.within(50..=500));
        tokio::spawn(async move {
            tokio::time::sleep(pause).await;
            let gone = driver.change(&ctx, call("delete", id), |content| content.delete(id)).await;
            driver.note(&call("delete", id), format_args!("late: {}", gone.is_ok()));
        });
    }

    fn note(&self, call: &Call, what: std::fmt::Arguments<'_>) {
        self.host.fabric.note(&self.host.name, format_args!("backend: {} {}: {what}", call.name, short(&call.writes)));
    }
}

/// Enough of an id for people to tell it from others.
pub(crate) fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

#[async_trait]
impl Driver for ModelDriver {
    fn info(&self) -> DriverInfo {
        DriverInfo {
            name: "model".to_owned(),
            version: "1".to_owned(),
            vendor_name: "Ashlar".to_owned(),
            storage_protocol: "model".to_owned(),
        }
    }

    async fn stats(&self, ctx: &OpCtx) -> Result<BackendStats> {
        self.look(ctx, Content::stats).await
    }

    async fn inspect(&self, ctx: &OpCtx, volume: &VolumeRef) -> Result<Option<Volume>> {
        self.look(ctx, |content| content.inspect(volume.id)).await
    }

    async fn inspect_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Option<Snapshot>> {
        self.look(ctx, |content| content.snapshots.get(&snapshot.id).cloned()).await
    }

    async fn list(&self, ctx: &OpCtx) -> Result<Inventory> {
        self.look(ctx, Content::inventory).await
    }

    async fn create(&self, ctx: &OpCtx, spec: &VolumeSpec) -> Result<Outcome<Volume>> {
        self.change(ctx, call("create", spec.volume.id), |content| content.create(spec)).await
    }

    async fn delete(&self, ctx: &OpCtx, volume: &VolumeRef) -> Result<Outcome<()>> {
        if self.host.has(Planted::RecordGoesFirst) {
            self.delete_after_answer(ctx.clone(), volume.id);
            return Ok(Outcome::Changed(()));
        }
        self.change(ctx, call("delete", volume.id), |content| content.delete(volume.id)).await
    }

    async fn extend(&self, ctx: &OpCtx, volume: &VolumeRef, size: ByteCount) -> Result<Outcome<Volume>> {
        self.change(ctx, call("extend", volume.id), |content| content.extend(volume.id, size, false)).await
    }

    async fn create_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<Snapshot>> {
        let what = Call { reads: Some(snapshot.volume.id.to_string()), ..call("create-snapshot", snapshot.id) };
        self.change(ctx, what, |content| content.create_snapshot(snapshot)).await
    }

    async fn delete_snapshot(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<()>> {
        self.change(ctx, call("delete-snapshot", snapshot.id), |content| content.delete_snapshot(snapshot.id)).await
    }

    async fn create_from_snapshot(
        &self,
        ctx: &OpCtx,
        spec: &VolumeSpec,
        source: &SnapshotRef,
    ) -> Result<Outcome<Volume>> {
        let what = Call { reads: Some(source.id.to_string()), ..call("create-from-snapshot", spec.volume.id) };
        self.change(ctx, what, |content| {
            let size = content.snapshots.get(&source.id).map(|snapshot| snapshot.size);
            content.copy(spec, size)
        })
        .await
    }

    async fn clone_volume(&self, ctx: &OpCtx, spec: &VolumeSpec, source: &VolumeRef) -> Result<Outcome<Volume>> {
        let what = Call { reads: Some(source.id.to_string()), ..call("clone", spec.volume.id) };
        self.change(ctx, what, |content| {
            let size = content.volumes.get(&source.id).map(|volume| volume.size);
            content.copy(spec, size)
        })
        .await
    }

    async fn attach(&self, ctx: &OpCtx, volume: &VolumeRef, spec: &AttachmentSpec) -> Result<Outcome<ConnectionInfo>> {
        let again = self.host.has(Planted::RepeatedAttach);
        self.change(ctx, call("attach", spec.id), |content| content.attach(volume, spec, again)).await
    }

    async fn detach(&self, ctx: &OpCtx, volume: &VolumeRef, which: Detach) -> Result<Outcome<()>> {
        let writes = match which {
            Detach::One(id) => id.to_string(),
            Detach::All => volume.id.to_string(),
        };
        self.change(ctx, call("detach", writes), |content| Ok(content.detach(volume, which))).await
    }

    async fn copy_image_to_volume(&self, _: &OpCtx, _: &VolumeSpec, _: &ImageFile) -> Result<Outcome<Volume>> {
        Err(Error::new(Kind::Unsupported, "files are not simulated"))
    }

    async fn copy_volume_to_image(&self, _: &OpCtx, _: &VolumeRef, _: &ImageFile) -> Result<Outcome<()>> {
        Err(Error::new(Kind::Unsupported, "files are not simulated"))
    }

    fn multi_attach(&self) -> Option<&dyn MultiAttach> {
        self.multi_attach.then_some(self)
    }

    fn active_active(&self) -> Option<&dyn ActiveActive> {
        (self.seats > 1).then_some(self)
    }

    fn online_extend(&self) -> Option<&dyn OnlineExtend> {
        Some(self)
    }

    fn revert(&self) -> Option<&dyn Revert> {
        Some(self)
    }
}

impl ActiveActive for ModelDriver {
    fn max_hosts(&self) -> u32 {
        self.seats
    }
}

impl MultiAttach for ModelDriver {
    fn max_attachments(&self) -> u32 {
        8
    }
}

#[async_trait]
impl OnlineExtend for ModelDriver {
    async fn extend_attached(&self, ctx: &OpCtx, volume: &VolumeRef, size: ByteCount) -> Result<Outcome<Volume>> {
        self.change(ctx, call("extend", volume.id), |content| content.extend(volume.id, size, true)).await
    }
}

#[async_trait]
impl Revert for ModelDriver {
    async fn revert(&self, ctx: &OpCtx, snapshot: &SnapshotRef) -> Result<Outcome<Volume>> {
        let what = Call { reads: Some(snapshot.id.to_string()), ..call("revert", snapshot.volume.id) };
        self.change(ctx, what, |content| content.revert(snapshot)).await
    }
}
