//! Making, removing and growing volumes.

use ashlar_common::{
    driver::{Outcome, Volume, VolumeRef, VolumeSpec},
    units::ByteCount,
};

use super::{
    call::{Call, Staging},
    disk::lock,
    error::Error,
    state::Origin,
};

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
        self.step("reserve", |state| {
            let disk = state.pool(&spec.volume.pool)?.home.disk(spec.size.bytes())?;
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

    pub(super) async fn delete(&self, volume: &VolumeRef) -> Result<Outcome<()>, Error> {
        let withdrawn = self.step("withdraw", |state| {
            if state.find(volume)?.is_none() {
                return Ok(None);
            }
            state.refuse_attached(volume.id)?;
            let Some(held) = state.volumes.remove(&volume.id) else { return Ok(None) };
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
            lock(&held.disk).grow(size.bytes())?;
            Ok((state.look_at(volume)?, true))
        });
        Ok(outcome(grown.await?))
    }
}
