//! Volumes that begin with another's bytes.

use ashlar_common::{
    bytes::Throttle,
    driver::{OpCtx, context::Stopped},
    ids::VolumeId,
    units::ByteCount,
};

use super::{
    making::{New, make, take_away, undo},
    revert::refuse_reverting,
};
use crate::{
    data::{self, Room},
    error::Error,
    lvm::{Lv, Lvm, Use},
    names::{LvName, Tag},
};

/// Makes a volume with the bytes that `source` holds at one instant; it may be attached and written to meanwhile.
///
/// # Errors
/// `NotFound`, `Busy` for a source that is being reverted, `Invalid` for a smaller volume, `OutOfSpace` where the new
/// volume and the room for what is written to the source meanwhile do not fit, and `Indeterminate` if stopped.
pub async fn clone_volume(
    lvm: &Lvm,
    ctx: &OpCtx,
    source: &LvName,
    new: &New,
    throttle: Option<Throttle>,
) -> Result<Lv, Error> {
    let frozen = Frozen::take(lvm, ctx, source).await?;
    let from = frozen.room();
    let made = match check_size(from.size, new) {
        Ok(()) => make(lvm, ctx, new, |to| async move { data::copy_whole(ctx, &from, &to, throttle).await }).await,
        Err(error) => Err(error),
    };
    frozen.end(ctx, made).await
}

/// Makes a volume with a thick snapshot's bytes. The caller keeps the snapshot from being removed meanwhile.
///
/// # Errors
/// As [`clone_volume`].
pub async fn create_from_snapshot(
    lvm: &Lvm,
    ctx: &OpCtx,
    snapshot: &LvName,
    new: &New,
    throttle: Option<Throttle>,
) -> Result<Lv, Error> {
    let from = {
        let mut turn = lvm.turn(ctx).await?;
        let missing = || Error::NoLv { vg: lvm.name().clone(), name: snapshot.clone() };
        let found = turn.look_one(ctx, snapshot).await?.ok_or_else(missing)?;
        check_size(found.size, new)?;
        if found.active { found } else { turn.activate(ctx, snapshot).await? }
    };
    let from = Room::of(&from);
    make(lvm, ctx, new, |to| async move { data::copy_whole(ctx, &from, &to, throttle).await }).await
}

fn check_size(source: ByteCount, new: &New) -> Result<(), Error> {
    if new.size >= source {
        return Ok(());
    }
    let text = format!("{} is too small for the {source} ({} bytes) of its source", new.size, source.bytes());
    Err(Error::Invalid(text))
}

/// A volume's bytes of one instant, for as long as somebody reads them: a snapshot that bears the name of something
/// half made, so that it does not outlive a crash.
#[derive(Debug)]
#[must_use = "it stays until it is ended"]
pub struct Frozen<'a> {
    lvm: &'a Lvm,
    lv: Lv,
}

impl<'a> Frozen<'a> {
    /// Takes it, of a thin volume or a thick one.
    ///
    /// # Errors
    /// Those of LVM, and `Busy` while the volume is being reverted. Nothing is left.
    pub async fn take(lvm: &'a Lvm, ctx: &OpCtx, source: &LvName) -> Result<Self, Error> {
        let name = LvName::new_volume(VolumeId::new());
        let taken = async {
            let mut turn = lvm.turn(ctx).await?;
            let missing = || Error::NoLv { vg: lvm.name().clone(), name: source.clone() };
            let origin = turn.look_one(ctx, source).await?.ok_or_else(missing)?;
            refuse_reverting(&origin)?;
            let tags = [Tag::ours(), Tag::size(origin.size)];
            let lv = turn.snapshot_of(ctx, &origin, &name, &tags, Use::Volume).await;
            match lv {
                Ok(lv) if !lv.active => turn.activate(ctx, &name).await,
                lv => lv,
            }
        };
        match taken.await {
            Ok(lv) => Ok(Self { lvm, lv }),
            // Nothing had been begun yet, or nothing came of it: there is nothing to take away.
            Err(error @ (Error::NotBegun { .. } | Error::NoLv { .. } | Error::InUse { .. } | Error::NoRoom { .. })) => {
                Err(error)
            }
            Err(error) => Err(undo(lvm, ctx, &name, error).await),
        }
    }

    /// Where its bytes are.
    #[must_use]
    pub fn room(&self) -> Room {
        Room::of(&self.lv)
    }

    /// Takes it away, and gives back what came of the work that it was for.
    ///
    /// # Errors
    /// The work's own; `Indeterminate` where something is left besides.
    pub async fn end<T>(self, ctx: &OpCtx, came: Result<T, Error>) -> Result<T, Error> {
        match came {
            Err(error) => Err(undo(self.lvm, ctx, &self.lv.name, error).await),
            Ok(done) => {
                if ctx.check() != Err(Stopped::Lapsed)
                    && let Err(left) = take_away(self.lvm, ctx, &self.lv.name).await
                {
                    let reason = ashlar_common::chain::chain(&left);
                    tracing::warn!(name = %self.lv.name, %reason, "a passing snapshot is left for the next start");
                }
                Ok(done)
            }
        }
    }
}
