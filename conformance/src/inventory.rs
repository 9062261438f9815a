//! What is there, as the driver tells it, held against what should be.

use ashlar_common::driver::{Inventory, SnapshotRef, VolumeRef};

use crate::{
    answers::equal,
    outcome::{Held, Stop, ensure},
    stage::{Stage, refused},
};

impl Stage {
    /// All that the driver lists.
    ///
    /// # Errors
    /// It cannot tell.
    pub async fn list(&self) -> Held<Inventory> {
        self.driver().await.list(&self.ctx()).await.map_err(|error| refused("list", &error))
    }

    /// Exactly these are there: listed once each and in order, and the same when asked for one by one.
    ///
    /// # Errors
    /// Something else is.
    pub async fn has_just(&self, when: &str, volumes: &[&VolumeRef], snapshots: &[&SnapshotRef]) -> Held {
        let Inventory { volumes: found_volumes, snapshots: found_snapshots } = self.list().await?;
        let mut wanted: Vec<VolumeRef> = volumes.iter().copied().cloned().collect();
        wanted.sort_by_key(|volume| volume.id);
        let found: Vec<VolumeRef> = found_volumes.iter().map(|volume| volume.volume.clone()).collect();
        equal(&format!("volumes listed {when}"), &found, &wanted)?;
        let mut wanted: Vec<SnapshotRef> = snapshots.iter().copied().cloned().collect();
        wanted.sort_by_key(|snapshot| snapshot.id);
        let found: Vec<SnapshotRef> = found_snapshots.iter().map(|snapshot| snapshot.snapshot.clone()).collect();
        equal(&format!("snapshots listed {when}"), &found, &wanted)?;
        for volume in found_volumes {
            let seen = self.inspect(&volume.volume).await?;
            let seen = seen.map(|seen| (seen.volume, seen.size, seen.attachments));
            let listed = Some((volume.volume, volume.size, volume.attachments));
            equal(&format!("a volume inspected {when}, as against listed"), &seen, &listed)?;
        }
        let driver = self.driver().await;
        for snapshot in found_snapshots {
            let seen = driver.inspect_snapshot(&self.ctx(), &snapshot.snapshot).await;
            let seen = seen.map_err(|error| refused("inspect_snapshot", &error))?;
            equal(&format!("a snapshot inspected {when}, as against listed"), &seen, &Some(snapshot))?;
        }
        Ok(())
    }

    /// Nothing is there of a volume.
    ///
    /// # Errors
    /// Something is.
    pub async fn is_absent(&self, when: &str, volume: &VolumeRef) -> Held {
        let seen = self.inspect(volume).await?;
        ensure(seen.is_none(), || format!("{when}, a volume should not be there: {seen:?}"))?;
        let listed = self.list().await?.volumes.into_iter().any(|found| found.volume.id == volume.id);
        ensure(!listed, || format!("{when}, a volume should not be listed"))
    }

    /// The volume is there and has exactly this size.
    ///
    /// # Errors
    /// It is not, or has another.
    pub async fn has_size(&self, when: &str, volume: &VolumeRef, size: u64) -> Held {
        let seen = self.inspect(volume).await?.ok_or_else(|| Stop::failed(format!("{when}, a volume is gone")))?;
        equal(&format!("bytes of a volume {when}"), &seen.size.bytes(), &size)
    }
}
