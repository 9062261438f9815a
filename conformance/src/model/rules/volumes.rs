//! Making, removing and growing.

use std::collections::BTreeMap;

use ashlar_common::driver::Kind;

use super::{Allowed, Asked};
use crate::model::{
    call::VolumeSlot,
    content::{Content, Stamp},
    world::{Origin, Volume},
};

impl Asked<'_> {
    /// \[create.1\] \[create.2\]
    pub(super) fn create(&self, volume: VolumeSlot, size: u64) -> Vec<Allowed> {
        match self.world.volumes.get(&volume) {
            Some(there) if there.size == size && there.origin == Origin::Empty => self.unchanged(),
            Some(_) => self.refused(&[Kind::Conflict]),
            None => self.made(volume, size, Origin::Empty, Content::default()),
        }
    }

    /// \[image.1\] \[image.3\] Which image it was may be known or not, so another one of a volume that has its size may
    /// be taken for a repeat.
    pub(super) fn image_in(&self, volume: VolumeSlot, size: u64, length: u64, stamp: Stamp) -> Vec<Allowed> {
        let too_large: &[Kind] = if length > size { &[Kind::Invalid] } else { &[] };
        match self.world.volumes.get(&volume) {
            Some(there) if there.size == size && there.origin == Origin::Image(stamp) => self.unchanged(),
            Some(there) if there.size == size && matches!(there.origin, Origin::Image(_)) => {
                let kinds = [too_large, &[Kind::Conflict]].concat();
                self.unchanged().into_iter().chain(self.refused(&kinds)).collect()
            }
            Some(_) => self.refused(&[too_large, &[Kind::Conflict]].concat()),
            None if length > size => self.refused(too_large),
            None => self.made(volume, size, Origin::Image(stamp), Content::image(length, stamp)),
        }
    }

    /// A volume is there that was not.
    pub(super) fn made(&self, volume: VolumeSlot, size: u64, origin: Origin, content: Content) -> Vec<Allowed> {
        let made = Volume { made: self.nth, size, origin, content, attachments: BTreeMap::new() };
        self.changed(|world| {
            world.volumes.insert(volume, made);
        })
    }

    /// \[delete.1\] \[delete.2\] \[delete.3\]
    pub(super) fn delete(&self, volume: VolumeSlot) -> Vec<Allowed> {
        let Some(there) = self.world.volumes.get(&volume) else { return self.unchanged() };
        if !there.attachments.is_empty() {
            return self.refused(&[Kind::Busy]);
        }
        let mut allowed = self.changed(|world| {
            world.volumes.remove(&volume);
        });
        if self.world.has_snapshots(volume) {
            allowed.extend(self.refused(&[Kind::Busy]));
        }
        allowed
    }

    /// \[extend.1\] \[extend.2\] \[extend.3\] Which of the two calls is right depends on whether the volume is attached;
    /// the other one may be refused as busy.
    pub(super) fn extend(&self, volume: VolumeSlot, size: u64, online: bool) -> Vec<Allowed> {
        let Some(there) = self.world.volumes.get(&volume) else { return self.refused(&[Kind::NotFound]) };
        let attached = !there.attachments.is_empty();
        let never = attached && !self.limits.claims.capabilities.online_extend;
        let busy: &[Kind] = if attached == online { &[] } else { &[Kind::Busy] };
        if size < there.size {
            return self.refused(&[busy, &[Kind::Invalid]].concat());
        }
        if size == there.size {
            return self.unchanged().into_iter().chain(self.refused(busy)).collect();
        }
        if never {
            return self.refused(&[Kind::Busy]);
        }
        let mut allowed = self.changed(|world| {
            if let Some(volume) = world.volumes.get_mut(&volume) {
                volume.size = size;
            }
        });
        allowed.extend(self.refused(busy));
        allowed
    }
}
