//! Clients that come and go.

use ashlar_common::driver::{AccessMode, Kind};

use super::{Allowed, Asked};
use crate::model::{
    call::{AttachmentSlot, VolumeSlot},
    world::Mode,
};

impl Asked<'_> {
    /// \[attach.1\] \[attach.2\] \[attach.3\] \[attach.4\]
    pub(super) fn attach(&self, volume: VolumeSlot, attachment: AttachmentSlot, mode: AccessMode) -> Vec<Allowed> {
        let Some(there) = self.world.volumes.get(&volume) else { return self.refused(&[Kind::NotFound]) };
        let mode = Mode::from(mode);
        match there.attachments.get(&attachment) {
            Some(has) if *has == mode => self.unchanged(),
            Some(_) => self.refused(&[Kind::Conflict]),
            None if there.attachments.len() >= self.limits.attachments => self.refused(&[Kind::Busy]),
            None => {
                let mut allowed = self.changed(|world| {
                    if let Some(volume) = world.volumes.get_mut(&volume) {
                        volume.attachments.insert(attachment, mode);
                    }
                });
                if there.attachments.values().any(|has| *has != mode) {
                    allowed.extend(self.refused(&[Kind::Busy]));
                }
                allowed
            }
        }
    }

    /// \[detach.1\] \[detach.3\]
    pub(super) fn detach(&self, volume: VolumeSlot, attachment: AttachmentSlot) -> Vec<Allowed> {
        let there = self.world.volumes.get(&volume);
        if !there.is_some_and(|volume| volume.attachments.contains_key(&attachment)) {
            return self.unchanged();
        }
        self.changed(|world| {
            if let Some(volume) = world.volumes.get_mut(&volume) {
                volume.attachments.remove(&attachment);
            }
        })
    }

    /// \[detach.1\]
    pub(super) fn detach_all(&self, volume: VolumeSlot) -> Vec<Allowed> {
        if self.world.volumes.get(&volume).is_none_or(|volume| volume.attachments.is_empty()) {
            return self.unchanged();
        }
        self.changed(|world| {
            if let Some(volume) = world.volumes.get_mut(&volume) {
                volume.attachments.clear();
            }
        })
    }
}
