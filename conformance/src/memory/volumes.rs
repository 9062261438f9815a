//! Making, removing and growing volumes.

use std::time::Duration;

use ashlar_common::{
    driver::{Outcome, Volume, VolumeRef, VolumeSpec},
    units::ByteCount,
};

use super::{
    call::{Call, Staging},
    disk::{PAGE_BYTES, SharedDisk, lock},
    error::Error,
    faults::Fault,
    state::Origin,
};

/// The time between a look and what follows from it, for [`Fault`]s that leave some.
pub(super) const BETWEEN: Duration = Duration::from_millis(10);

/// What a call answers that may have found everything done.
pub(super) fn outcome<T>((value, changed): (T, bool)) -> Outcome<T> {
    if changed { Outcome::Changed(value) } else { Outcome::Unchanged(value) }
}

impl Call<'_> {
    pub(super) async fn create(&self, spec: &VolumeSpec) -> Result<Outcome<Volume>, Error> {
        if let Some(volume) = self.found(spec, &Origin::Empty).await? {
            return Ok(Outcome::Unchanged(volume));
        }
        let staging = self.reserve(spec).await?;
        self.place(spec, &Origin::Empty, &staging).await
    }

    /// The volume, if it was made already.
    pub(super) async fn found(&self, spec: &VolumeSpec, origin: &Origin) -> Result<Option<Volume>, Error> {
        if spec.size == ByteCount::ZERO {
            return Err(Error::Invalid(format!("volume {} cannot have no bytes", spec.volume.id)));
        }
        self.look(|state| state.made_alike(spec, origin)).await
    }

    /// Takes room for a volume.
    pub(super) async fn reserve(&self, spec: &VolumeSpec) -> Result<Staging, Error> {
        let early = self.broken(Fault::RoomIsCountedTooEarly);
        if early {
            let seen = self.look(|state| Ok(state.pool(&spec.volume.pool)?.home.disk(spec.size.bytes())?));
            drop(seen.await?);
            tokio::time::sleep(BETWEEN).await;
        }
        self.step("reserve", |state| {
            let home = state.pool(&spec.volume.pool)?.home.clone();
            let made = match early {
                true => home.disk_unchecked(spec.size.bytes()),
                false => home.disk(spec.size.bytes()),
            };
            if made.is_err() && self.broken(Fault::FailureKeepsRoom) {
                std::mem::forget(home.disk(PAGE_BYTES)?);
            }
            let mut disk = made?;
            if self.broken(Fault::FreshIsNotZero) {
                disk.soil(0)?;
            }
            if let Some(old) = state.removed.pop() {
                disk.pull(&lock(&old), 0, usize::try_from(spec.size.bytes() / PAGE_BYTES).unwrap_or(0))?;
            }
            Ok(self.stage(state, format!("a half-made volume {}", spec.volume.id), disk))
        })
        .await
    }

    /// Lets a finished volume be seen.
    pub(super) async fn place(
        &self,
        spec: &VolumeSpec,
        origin: &Origin,
        staging: &Staging,
    ) -> Result<Outcome<Volume>, Error> {
        let placed = self.step("place", |state| {
            let disk = staging.take(state);
            state.place(spec, origin, disk)
        });
        Ok(outcome(placed.await?))
    }

    /// Lets a volume be seen whose bytes are others than those that were prepared.
    pub(super) async fn place_instead(
        &self,
        spec: &VolumeSpec,
        origin: &Origin,
        staging: &Staging,
        disk: SharedDisk,
    ) -> Result<Outcome<Volume>, Error> {
        let placed = self.step("place", |state| {
            staging.take(state);
            state.place(spec, origin, disk)
        });
        Ok(outcome(placed.await?))
    }

    pub(super) async fn delete(&self, volume: &VolumeRef) -> Result<Outcome<()>, Error> {
        let withdrawn = self.step("withdraw", |state| {
            if state.find(volume)?.is_none() {
                return Ok(None);
            }
            state.refuse_attached(volume.id)?;
            let Some(held) = state.volumes.remove(&volume.id) else { return Ok(None) };
            if self.broken(Fault::OldPagesReappear) {
                state.removed.push(lock(&held.disk).without_room()?.into_shared());
            }
            if self.broken(Fault::DeleteTakesSharedPages) {
                state.volumes.values().for_each(|other| lock(&other.disk).forget_shared(&lock(&held.disk)));
            }
            Ok(Some(self.stage_shared(state, format!("a half-removed volume {}", volume.id), held.disk)))
        });
        let Some(staging) = withdrawn.await? else { return Ok(Outcome::Unchanged(())) };
        self.free(&staging).await?;
        Ok(Outcome::Changed(()))
    }

    /// Gives the room back of what was withdrawn.
    pub(super) async fn free(&self, staging: &Staging) -> Result<(), Error> {
        let freed = self.step("free", |state| {
            staging.take(state);
            Ok(())
        });
        freed.await.map_err(Error::unsettled)
    }

    /// Grows a volume; `attached`: also one that clients hold.
    pub(super) async fn extend(
        &self,
        volume: &VolumeRef,
        size: ByteCount,
        attached: bool,
    ) -> Result<Outcome<Volume>, Error> {
        let grown = self.step("grow", |state| {
            let held = state.volume(volume)?;
            let now = lock(&held.disk).size();
            if size.bytes() < now {
                return Err(Error::Invalid(format!("volume {} has {now} bytes and does not shrink", volume.id)));
            }
            if size.bytes() == now {
                return Ok((state.look_at(volume)?, false));
            }
            if !attached {
                state.refuse_attached(volume.id)?;
            }
            let mut disk = lock(&held.disk);
            disk.grow(size.bytes())?;
            if self.broken(Fault::GrownBytesAreNotZero) {
                disk.soil(now)?;
            }
            if self.broken(Fault::GrowingLosesTheOldEnd) {
                disk.lose(now - 1);
            }
            drop(disk);
            Ok((state.look_at(volume)?, true))
        });
        Ok(outcome(grown.await?))
    }
}
