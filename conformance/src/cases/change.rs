//! Each call that changes something, with what it may leave when it is stopped half-way: all of it, or nothing.

use std::sync::Arc;

use ashlar_common::{
    driver::{
        self, AccessMode, AttachmentSpec, Detach, Driver, ImageFile, OpCtx, Outcome, SnapshotRef, VolumeRef, VolumeSpec,
    },
    ids::SnapshotId,
    image::ImageFormat,
    units::ByteCount,
};
use tempfile::TempDir;

use crate::{
    answers::done,
    claims::Claims,
    contents::pattern,
    outcome::{Held, Stop},
    stage::Stage,
};

/// Enough to be copied in more than one piece; no multiple of a block.
pub(super) const SIZE: usize = (2 << 20) + 512;

/// A call that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Create,
    CreateFromSnapshot,
    Clone,
    ImageIn,
    Extend,
    Snapshot,
    DeleteSnapshot,
    Delete,
    Attach,
    Detach,
    Revert,
}

/// What changes start from; none of them may touch it.
pub(super) struct Ground {
    pub(super) content: Vec<u8>,
    source: VolumeRef,
    frozen: SnapshotRef,
    image: ImageFile,
    _folder: TempDir,
}

/// One change of things of its own, ready to be made, repeated and looked at.
#[derive(Clone)]
pub(super) struct Trial {
    pub(super) change: Change,
    pub(super) call: Arc<Call>,
    /// The volume it is about.
    pub(super) volume: VolumeRef,
    /// A snapshot of the volume, to be taken, removed or gone back to.
    pub(super) snapshot: Option<SnapshotRef>,
    /// What a volume holds that is there before; for a revert, since its snapshot.
    pub(super) content: Vec<u8>,
}

/// A call with its arguments.
pub(super) enum Call {
    Create(VolumeSpec),
    CreateFromSnapshot(VolumeSpec, SnapshotRef),
    Clone(VolumeSpec, VolumeRef),
    ImageIn(VolumeSpec, ImageFile),
    Extend(ByteCount),
    Snapshot,
    DeleteSnapshot,
    Delete,
    Attach(AttachmentSpec),
    Detach(AttachmentSpec),
    Revert,
}

impl Change {
    /// Those that the driver can do.
    pub(super) fn all(claims: &Claims) -> Vec<Self> {
        let mut all = vec![
            Self::Create,
            Self::CreateFromSnapshot,
            Self::Clone,
            Self::ImageIn,
            Self::Extend,
            Self::Snapshot,
            Self::DeleteSnapshot,
            Self::Delete,
            Self::Attach,
            Self::Detach,
        ];
        if claims.capabilities.revert {
            all.push(Self::Revert);
        }
        all
    }

    /// Makes what the change needs.
    pub(super) async fn prepare(self, stage: &Stage, ground: &Ground) -> Held<Trial> {
        let new = stage.spec(2 * SIZE as u64)?;
        let makes = |call| Trial {
            change: self,
            call: Arc::new(call),
            volume: new.volume.clone(),
            snapshot: None,
            content: Vec::new(),
        };
        Ok(match self {
            Self::Create => makes(Call::Create(new.clone())),
            Self::CreateFromSnapshot => makes(Call::CreateFromSnapshot(new.clone(), ground.frozen.clone())),
            Self::Clone => makes(Call::Clone(new.clone(), ground.source.clone())),
            Self::ImageIn => makes(Call::ImageIn(new.clone(), ground.image.clone())),
            _ => self.prepare_volume(stage, ground).await?,
        })
    }

    /// The same for changes of a volume that is there.
    async fn prepare_volume(self, stage: &Stage, ground: &Ground) -> Held<Trial> {
        let mut content = ground.content.clone();
        let volume = stage.create_holding(&content).await?;
        let mut snapshot = None;
        let call = match self {
            Self::Extend => Call::Extend(stage.spec(2 * SIZE as u64)?.size),
            Self::Snapshot => {
                snapshot = Some(SnapshotRef { id: SnapshotId::new(), volume: volume.clone() });
                Call::Snapshot
            }
            Self::DeleteSnapshot => {
                snapshot = Some(stage.snapshot(&volume).await?);
                Call::DeleteSnapshot
            }
            Self::Attach => Call::Attach(stage.attachment(AccessMode::ReadWrite)),
            Self::Detach => {
                let spec = stage.attachment(AccessMode::ReadWrite);
                done("attach", stage.driver().await.attach(&stage.ctx(), &volume, &spec).await)?;
                Call::Detach(spec)
            }
            Self::Revert => {
                snapshot = Some(stage.snapshot(&volume).await?);
                content = pattern(stage.seed + 1, SIZE);
                stage.write(&volume, 0, &content).await?;
                Call::Revert
            }
            _ => Call::Delete,
        };
        Ok(Trial { change: self, call: Arc::new(call), volume, snapshot, content })
    }
}

impl Ground {
    /// A volume, a snapshot of it and an image, all of the same bytes.
    pub(super) async fn lay(stage: &Stage) -> Held<Self> {
        let content = pattern(stage.seed, SIZE);
        let source = stage.create_holding(&content).await?;
        let frozen = stage.snapshot(&source).await?;
        let folder = TempDir::new().map_err(|error| Stop::NotRun(format!("no temporary directory: {error}")))?;
        let image = ImageFile { path: folder.path().join("image"), format: ImageFormat::Raw };
        std::fs::write(&image.path, &content).map_err(|error| Stop::NotRun(format!("no image: {error}")))?;
        Ok(Self { content, source, frozen, image, _folder: folder })
    }

    /// Nothing of it has changed.
    pub(super) async fn is_whole(&self, stage: &Stage) -> Held {
        stage.holds("the source of copies", &self.source, &self.content).await?;
        stage.snapshot_holds("the snapshot that copies are made from", &self.frozen, &self.content).await
    }
}

impl Trial {
    /// Makes the call, and says whether it changed something.
    pub(super) async fn run(&self, driver: &dyn Driver, ctx: &OpCtx) -> driver::Result<bool> {
        match &*self.call {
            Call::Create(spec) => driver.create(ctx, spec).await.map(changes),
            Call::CreateFromSnapshot(spec, source) => driver.create_from_snapshot(ctx, spec, source).await.map(changes),
            Call::Clone(spec, source) => driver.clone_volume(ctx, spec, source).await.map(changes),
            Call::ImageIn(spec, image) => driver.copy_image_to_volume(ctx, spec, image).await.map(changes),
            Call::Extend(size) => driver.extend(ctx, &self.volume, *size).await.map(changes),
            Call::Delete => driver.delete(ctx, &self.volume).await.map(changes),
            Call::Attach(spec) => driver.attach(ctx, &self.volume, spec).await.map(changes),
            Call::Detach(spec) => driver.detach(ctx, &self.volume, Detach::One(spec.id)).await.map(changes),
            Call::Snapshot | Call::DeleteSnapshot | Call::Revert => self.run_on_snapshot(driver, ctx).await,
        }
    }

    async fn run_on_snapshot(&self, driver: &dyn Driver, ctx: &OpCtx) -> driver::Result<bool> {
        let absent = |what: &str| driver::Error::new(driver::Kind::Unsupported, format!("there is no {what}"));
        let snapshot = self.snapshot.as_ref().ok_or_else(|| absent("snapshot"))?;
        match &*self.call {
            Call::Snapshot => driver.create_snapshot(ctx, snapshot).await.map(changes),
            Call::Revert => {
                let revert = driver.revert().ok_or_else(|| absent("way back to a snapshot"))?;
                revert.revert(ctx, snapshot).await.map(changes)
            }
            _ => driver.delete_snapshot(ctx, snapshot).await.map(changes),
        }
    }

    /// Removes all that is there of it.
    pub(super) async fn clear(&self, stage: &Stage) -> Held {
        let driver = stage.driver().await;
        done("detach of all", driver.detach(&stage.ctx(), &self.volume, Detach::All).await)?;
        if let Some(snapshot) = &self.snapshot {
            done("delete of a snapshot", driver.delete_snapshot(&stage.ctx(), snapshot).await)?;
        }
        done("delete", driver.delete(&stage.ctx(), &self.volume).await)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to `map`")]
fn changes<T>(outcome: Outcome<T>) -> bool {
    matches!(outcome, Outcome::Changed(_))
}
