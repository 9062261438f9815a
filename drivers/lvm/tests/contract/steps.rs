//! Calls that change something, each on what the calls before it left.

use ashlar_common::{
    driver::{Driver, Result as Answer, SnapshotRef, VolumeRef, VolumeSpec, capability::Revert},
    units::ByteCount,
};
use ashlar_driver_lvm::LvmDriver;

use crate::bench::{SIZE, bytes, create, ctx, snapshot_of, spec};
use crate::failure::Result;

/// A call of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Create,
    Extend,
    Snapshot,
    FromSnapshot,
    Clone,
    Revert,
    DeleteSnapshot,
    Delete,
}

/// A volume with a snapshot, and what was made besides.
pub(crate) struct Ground {
    pub(crate) volume: VolumeRef,
    pub(crate) frozen: SnapshotRef,
    size: ByteCount,
    made: Vec<VolumeRef>,
    taken: Vec<SnapshotRef>,
}

/// A call with its arguments: it can be made again.
pub(crate) enum Call {
    Create(VolumeSpec),
    Extend(ByteCount),
    Snapshot(SnapshotRef),
    FromSnapshot(VolumeSpec),
    Clone(VolumeSpec),
    Revert,
    DeleteSnapshot(SnapshotRef),
    Delete(VolumeRef),
}

impl Ground {
    pub(crate) async fn new(driver: &LvmDriver) -> Result<Self> {
        let volume = create(driver, SIZE).await?;
        let frozen = snapshot_of(&volume);
        driver.create_snapshot(&ctx(), &frozen).await?;
        Ok(Self { volume, frozen, size: bytes(SIZE), made: Vec::new(), taken: Vec::new() })
    }

    /// What is to be called. When it is done, it counts for the calls behind it.
    pub(crate) fn call(&mut self, act: Act) -> Result<Call> {
        Ok(match act {
            Act::Create => Call::Create(self.made(SIZE)?),
            Act::Extend => {
                self.size = self.size.saturating_add(bytes(SIZE / 2));
                Call::Extend(self.size)
            }
            Act::Snapshot => {
                self.taken.push(snapshot_of(&self.volume));
                Call::Snapshot(self.taken.last().ok_or("just put there")?.clone())
            }
            Act::FromSnapshot => Call::FromSnapshot(self.made(SIZE)?),
            Act::Clone => Call::Clone(self.made(self.size.bytes())?),
            Act::Revert => Call::Revert,
            Act::DeleteSnapshot => Call::DeleteSnapshot(self.taken.pop().ok_or("one was taken")?),
            Act::Delete => Call::Delete(self.made.pop().ok_or("one was made")?),
        })
    }

    fn made(&mut self, size: u64) -> Result<VolumeSpec> {
        let spec = spec(size)?;
        self.made.push(spec.volume.clone());
        Ok(spec)
    }

    pub(crate) async fn run(&self, driver: &LvmDriver, call: &Call) -> Answer<()> {
        let ctx = ctx();
        match call {
            Call::Create(spec) => driver.create(&ctx, spec).await.map(drop),
            Call::Extend(size) => driver.extend(&ctx, &self.volume, *size).await.map(drop),
            Call::Snapshot(snapshot) => driver.create_snapshot(&ctx, snapshot).await.map(drop),
            Call::FromSnapshot(spec) => driver.create_from_snapshot(&ctx, spec, &self.frozen).await.map(drop),
            Call::Clone(spec) => driver.clone_volume(&ctx, spec, &self.volume).await.map(drop),
            Call::Revert => Revert::revert(driver, &ctx, &self.frozen).await.map(drop),
            Call::DeleteSnapshot(snapshot) => driver.delete_snapshot(&ctx, snapshot).await.map(drop),
            Call::Delete(volume) => driver.delete(&ctx, volume).await.map(drop),
        }
    }
}
