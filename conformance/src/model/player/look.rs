//! What can be seen of a backend, against the worlds that may be: those that it contradicts are none.

use ashlar_common::driver::{AccessMode, SnapshotRef, VolumeRef};

use super::{Player, clients, names::Listed};
use crate::{
    model::{
        call::{Call, SnapshotOf, VolumeSlot},
        content::Content,
        world::World,
    },
    outcome::{Held, Stop, ensure},
    stage::{Stage, refused},
};

impl Player<'_> {
    /// Compares the list, and what is told of the objects of these calls by themselves.
    pub(super) async fn look(&mut self, calls: &[Call]) -> Held {
        let driver = self.stage.driver().await;
        let inventory = driver.list(&self.stage.ctx()).await.map_err(|error| refused("list", &error))?;
        let listed = self.asker.names.listed(&inventory)?;
        let meant = self.worlds.first().map(Listed::of).unwrap_or_default();
        self.worlds.retain(|world| Listed::of(world) == listed);
        ensure(!self.worlds.is_empty(), || format!("there should be: {meant}; the list shows: {listed}"))?;
        for call in calls {
            let slot = call.volume();
            let volume = self.asker.names.volume(slot)?;
            let alone = self.stage.inspect(&volume).await?;
            let size = alone.as_ref().map(|volume| volume.size.bytes());
            ensure(size == listed.size_of(slot), || {
                format!("{slot} is inspected, which tells of {size:?} bytes; the list shows: {listed}")
            })?;
            if let Some(of) = call.snapshot() {
                let snapshot = self.asker.names.snapshot(of)?;
                let alone = driver.inspect_snapshot(&self.stage.ctx(), &snapshot).await;
                let size = alone.map_err(|error| refused("inspect_snapshot", &error))?.map(|found| found.size.bytes());
                ensure(size == listed.snapshot_size(of), || {
                    format!(
                        "{} of {} is inspected, which tells of {size:?} bytes; the list shows: {listed}",
                        of.0, of.1
                    )
                })?;
            }
        }
        Ok(())
    }

    /// Compares all bytes.
    pub(super) async fn check(&mut self) -> Held {
        let world = self.world()?.clone();
        for volume in world.volumes.keys() {
            self.check_volume(*volume).await?;
        }
        for (id, snapshot) in &world.snapshots {
            self.check_snapshot((*id, snapshot.volume), snapshot.size).await?;
        }
        Ok(())
    }

    /// Compares the bytes of a volume, as a client sees them.
    pub(super) async fn check_volume(&mut self, slot: VolumeSlot) -> Held {
        let Some(volume) = self.world()?.volumes.get(&slot) else { return Ok(()) };
        let bytes = match volume.attachments.keys().next().copied() {
            Some(attachment) => {
                let disk = self.disk(slot, attachment).await?;
                let read = clients::read(disk).await;
                read.map_err(|error| Stop::failed(format!("the client {attachment} of {slot} reads: {error}")))?
            }
            None => bytes_of(self.stage, &self.asker.names.volume(slot)?).await?,
        };
        self.keep(&slot.to_string(), &bytes, |world| world.volumes.get(&slot).map(|v| (v.size, &v.content)))
    }

    /// Compares the bytes of a snapshot, by a volume that is made from it.
    async fn check_snapshot(&mut self, of: SnapshotOf, size: u64) -> Held {
        let snapshot = self.asker.names.snapshot(of)?;
        let bytes = bytes_of_snapshot(self.stage, &snapshot, size).await?;
        self.keep(&format!("snapshot {} of {}", of.0, of.1), &bytes, |world| {
            world.snapshots.get(&of.0).map(|snapshot| (snapshot.size, &snapshot.content))
        })
    }

    /// Compares an image that was made of a volume.
    pub(super) fn check_image(&mut self, slot: VolumeSlot, bytes: &[u8]) -> Held {
        self.keep(&format!("the image of {slot}"), bytes, |world| {
            world.volumes.get(&slot).map(|volume| (volume.size, &volume.content))
        })
    }

    /// Keeps the worlds in which these are the bytes.
    fn keep(&mut self, what: &str, bytes: &[u8], meant: impl Fn(&World) -> Option<(u64, &Content)>) -> Held {
        let difference = |world: &World| {
            let (size, content) = meant(world)?;
            let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            if found == size { content.difference(bytes) } else { Some(format!("{found} bytes, not {size}")) }
        };
        let why = self.worlds.first().and_then(difference);
        self.worlds.retain(|world| difference(world).is_none());
        ensure(!self.worlds.is_empty(), || format!("{what}: {}", why.unwrap_or_default()))
    }

    /// The backend is as empty as it was: no volume, no export, nothing half done.
    pub(super) async fn is_bare(&self) -> Held {
        let exports = self.stage.site.exports().await;
        let exports = exports.map_err(|error| Stop::failed(format!("the backend cannot be looked at: {error}")))?;
        ensure(exports.is_empty(), || format!("all is detached, and these exports are left: {}", exports.join(", ")))?;
        self.stage.is_tidy().await
    }
}

/// All bytes of a volume that nobody is attached to.
async fn bytes_of(stage: &Stage, volume: &VolumeRef) -> Held<Vec<u8>> {
    let attached = stage.attach_as(volume, AccessMode::ReadOnly).await?;
    let size = usize::try_from(attached.size().await?).unwrap_or(usize::MAX);
    let read = attached.on_thread(move |disk| {
        let mut bytes = vec![0; size];
        disk.read_at(&mut bytes, 0).map(|()| bytes)
    });
    let bytes = read.await.map_err(|error| Stop::failed(format!("a client reads: {error}")))?;
    attached.detach().await?;
    Ok(bytes)
}

async fn bytes_of_snapshot(stage: &Stage, snapshot: &SnapshotRef, size: u64) -> Held<Vec<u8>> {
    let spec = stage.spec(size)?;
    let driver = stage.driver().await;
    let made = driver.create_from_snapshot(&stage.ctx(), &spec, snapshot).await;
    made.map_err(|error| refused("create_from_snapshot, to look at a snapshot", &error))?;
    let bytes = bytes_of(stage, &spec.volume).await?;
    stage.delete(&spec.volume).await?;
    Ok(bytes)
}
