//! What is there of a change: nothing, or all of it. Anything between is a failure.

use ashlar_common::{
    driver::{SnapshotRef, Volume},
    ids::AttachmentId,
};

use crate::{
    contents::with_zero_tail,
    outcome::{Held, Stop, ensure},
    stage::{Stage, refused},
};

use super::change::{Call, Ground, SIZE, Trial};

/// What is there of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing: as if it had not been asked for.
    Before,
    /// All of it.
    After,
}

impl Trial {
    /// Looks at every byte that the change is about.
    pub(super) async fn state(&self, stage: &Stage, ground: &Ground) -> Held<State> {
        let grown = || with_zero_tail(&ground.content, 2 * SIZE);
        match &*self.call {
            Call::Create(_) => self.made(stage, &vec![0; 2 * SIZE]).await,
            Call::CreateFromSnapshot(..) | Call::Clone(..) | Call::ImageIn(..) => self.made(stage, &grown()).await,
            Call::Extend(_) => self.extended(stage, &grown()).await,
            Call::Delete => Ok(match self.made(stage, &self.content).await? {
                State::After => State::Before,
                State::Before => State::After,
            }),
            Call::Attach(spec) => Ok(if self.attached(stage, spec.id).await? { State::After } else { State::Before }),
            Call::Detach(spec) => Ok(if self.attached(stage, spec.id).await? { State::Before } else { State::After }),
            Call::Snapshot => Ok(if self.frozen(stage, ground).await? { State::After } else { State::Before }),
            Call::DeleteSnapshot => Ok(if self.frozen(stage, ground).await? { State::Before } else { State::After }),
            Call::Revert => self.reverted(stage, ground).await,
        }
    }

    /// Whether the volume is there, whole.
    async fn made(&self, stage: &Stage, expected: &[u8]) -> Held<State> {
        let Some(volume) = stage.inspect(&self.volume).await? else { return Ok(State::Before) };
        let size = volume.size.bytes();
        ensure(size == expected.len() as u64, || {
            format!("{:?}: a volume of {} bytes has {size}", self.change, expected.len())
        })?;
        stage.holds(&format!("{:?}", self.change), &self.volume, expected).await?;
        Ok(State::After)
    }

    async fn extended(&self, stage: &Stage, grown: &[u8]) -> Held<State> {
        let (state, expected) = match self.there(stage).await?.size.bytes() {
            size if size == self.content.len() as u64 => (State::Before, self.content.as_slice()),
            size if size == grown.len() as u64 => (State::After, grown),
            other => return Err(Stop::failed(format!("a volume that grows has neither size, but {other} bytes"))),
        };
        stage.holds("a volume that grows", &self.volume, expected).await?;
        Ok(state)
    }

    async fn attached(&self, stage: &Stage, id: AttachmentId) -> Held<bool> {
        Ok(self.there(stage).await?.attachments.contains(&id))
    }

    async fn frozen(&self, stage: &Stage, ground: &Ground) -> Held<bool> {
        let snapshot = self.snapshot()?;
        let found = stage.driver().await.inspect_snapshot(&stage.ctx(), snapshot).await;
        let found = found.map_err(|error| refused("inspect_snapshot", &error))?.is_some();
        if found {
            stage.snapshot_holds("a snapshot", snapshot, &ground.content).await?;
        }
        stage.holds("the volume of a snapshot", &self.volume, &self.content).await?;
        Ok(found)
    }

    async fn reverted(&self, stage: &Stage, ground: &Ground) -> Held<State> {
        stage.snapshot_holds("the snapshot that a volume goes back to", self.snapshot()?, &ground.content).await?;
        let found = stage.read(&self.volume).await?;
        if found == self.content {
            return Ok(State::Before);
        }
        ensure(found == ground.content, || {
            "a volume that goes back holds neither the new bytes nor the old".to_owned()
        })?;
        Ok(State::After)
    }

    fn snapshot(&self) -> Held<&SnapshotRef> {
        self.snapshot.as_ref().ok_or_else(|| Stop::failed("the trial has no snapshot"))
    }

    /// The volume, which no call of this trial removes.
    async fn there(&self, stage: &Stage) -> Held<Volume> {
        let found = stage.inspect(&self.volume).await?;
        found.ok_or_else(|| Stop::failed(format!("{:?}: the volume is gone", self.change)))
    }
}
