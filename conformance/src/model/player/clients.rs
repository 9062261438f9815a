//! The clients of a sequence: what they hold, read and write.

use std::{collections::BTreeMap, sync::Arc};

use ashlar_common::driver::{AccessMode, ConnectionInfo};

use super::{Player, trouble::Asked};
use crate::{
    model::{
        call::{Answer, AttachmentSlot, Call, VolumeSlot},
        content::Stamp,
        rules::Seen,
        sequence::Trouble,
        world::World,
    },
    outcome::{Held, Stop, ensure},
    subject::Disk,
};

/// What the clients have, by attachment.
pub(super) type Clients = BTreeMap<(VolumeSlot, AttachmentSlot), Client>;

/// A client that was told how to reach its volume.
pub(super) struct Client {
    connection: ConnectionInfo,
    mode: AccessMode,
    disk: Option<Arc<dyn Disk>>,
}

impl Player<'_> {
    /// Remembers what an attach told.
    pub(super) fn remember(&mut self, call: Call, connection: Option<ConnectionInfo>) -> Held {
        let (Call::Attach { volume, attachment, mode }, Some(connection)) = (call, connection) else { return Ok(()) };
        if let Some(client) = self.clients.get(&(volume, attachment)) {
            return ensure(client.connection == connection, || {
                format!("{attachment} of {volume} is attached again, and the connection is another one")
            });
        }
        self.clients.insert((volume, attachment), Client { connection, mode, disk: None });
        Ok(())
    }

    /// Attached at once with other calls, a client may have been detached and attached again: it must ask.
    pub(super) fn forget(&mut self, call: Call) {
        if let Call::Attach { volume, attachment, .. } = call {
            self.clients.remove(&(volume, attachment));
        }
    }

    /// Clients let go of what a call is about to take from them.
    pub(super) fn let_go(&mut self, call: &Call) {
        if let Call::Detach { volume, .. } | Call::DetachAll { volume } = call {
            for (_, client) in self.clients.iter_mut().filter(|((of, _), _)| of == volume) {
                client.disk = None;
            }
        }
    }

    /// Every client lets go, as when the machine starts.
    pub(super) fn let_all_go(&mut self) {
        self.clients.values_mut().for_each(|client| client.disk = None);
    }

    /// Clients whose attachment has ended are gone, and what they were told opens nothing.
    pub(super) async fn see_who_left(&mut self) -> Held {
        let held = |world: &World, (volume, attachment): &(VolumeSlot, AttachmentSlot)| {
            world.volumes.get(volume).is_some_and(|volume| volume.attachments.contains_key(attachment))
        };
        let gone = |slots: &(VolumeSlot, AttachmentSlot)| !self.worlds.iter().any(|world| held(world, slots));
        let gone: Vec<_> = self.clients.keys().filter(|slots| gone(slots)).copied().collect();
        for slots in gone {
            let Some(Client { connection, mode, disk }) = self.clients.remove(&slots) else { continue };
            drop(disk);
            let opened = self.stage.site.connect(&connection, mode).await;
            let (volume, attachment) = slots;
            ensure(opened.is_err(), || {
                format!("{attachment} of {volume} was detached, and what it was told still opens")
            })?;
        }
        Ok(())
    }

    /// A client's disk. One that let go, or never heard of its attachment, asks for it again.
    pub(super) async fn disk(&mut self, volume: VolumeSlot, attachment: AttachmentSlot) -> Held<Arc<dyn Disk>> {
        if let Some(disk) = self.clients.get(&(volume, attachment)).and_then(|client| client.disk.clone()) {
            return Ok(disk);
        }
        let mode = self.world()?.volumes.get(&volume).and_then(|volume| volume.attachments.get(&attachment)).copied();
        let mode = mode.ok_or_else(|| Stop::failed(format!("the model has no {attachment} of {volume}")))?.into();
        let call = Call::Attach { volume, attachment, mode };
        self.nth += 1;
        let asked = Asked { asker: self.asker.clone(), nth: self.nth, call };
        let (seen, told) = asked.play(self.stage, Trouble::None).await?;
        ensure(seen == Seen::Answer(Answer::Unchanged), || {
            format!("{attachment} of {volume} is there and is asked for again: {}{}", told.answer, told.why)
        })?;
        self.remember(call, told.connection)?;
        let Some(client) = self.clients.get_mut(&(volume, attachment)) else {
            return Err(Stop::failed(format!("{attachment} of {volume} is told without a connection")));
        };
        let disk = self.stage.site.connect(&client.connection, mode).await;
        let disk = disk.map_err(|error| Stop::failed(format!("the client {attachment} of {volume}: {error}")))?;
        Ok(Arc::clone(client.disk.insert(disk.into())))
    }

    /// A client writes and syncs.
    pub(super) async fn write(&mut self, volume: VolumeSlot, attachment: AttachmentSlot, range: (u64, u64)) -> Held {
        let (offset, length) = range;
        let disk = self.disk(volume, attachment).await?;
        let stamp = Stamp(self.nth);
        let wrote = on_thread(move || {
            let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
            stamp.fill(&mut bytes, offset);
            disk.write_at(&bytes, offset)?;
            disk.sync()
        });
        wrote.await.map_err(|error| Stop::failed(format!("the client {attachment} of {volume} writes: {error}")))?;
        for world in &mut self.worlds {
            if let Some(volume) = world.volumes.get_mut(&volume) {
                volume.content.write(offset, length, stamp);
            }
        }
        Ok(())
    }
}

/// All that a disk holds.
pub(super) async fn read(disk: Arc<dyn Disk>) -> std::io::Result<Vec<u8>> {
    on_thread(move || {
        let mut bytes = vec![0; usize::try_from(disk.size()?).unwrap_or(usize::MAX)];
        disk.read_at(&mut bytes, 0)?;
        Ok(bytes)
    })
    .await
}

/// Blocking work, where it may block.
async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(error.into()))
}
