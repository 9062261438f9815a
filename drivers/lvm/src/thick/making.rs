//! Volumes that appear whole or not at all.

use std::{future::Future, time::Duration};

use ashlar_common::{
    driver::{Classified, Kind, OpCtx, context::Stopped},
    ids::VolumeId,
    units::ByteCount,
};
use tokio_util::sync::CancellationToken;

use crate::{
    data::{self, Room},
    error::Error,
    lvm::{Lv, Lvm},
    names::{LvName, Tag},
};

/// How long taking away what a failed call made may take; its own time may be over.
const AFTERMATH: Duration = Duration::from_secs(60);

/// Where a new volume's bytes live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// In extents of its own, which hold whatever was there before.
    Thick,
    /// In that thin pool, where what was not written reads zero.
    Thin(LvName),
}

/// A volume to be made.
#[derive(Clone, Debug)]
pub struct New {
    /// Which.
    pub id: VolumeId,
    /// Its exact size.
    pub size: ByteCount,
    /// Where.
    pub home: Home,
    /// Its tags besides those that every volume has.
    pub tags: Vec<Tag>,
}

/// Makes a volume under a name that nobody looks at, has it filled, and gives it its own. The caller keeps others from
/// making the same.
///
/// Behind the volume's end, a thick one has the rest of its last extent. That is zeroed, too: the volume may grow into it
/// later, and is not looked at then.
///
/// # Errors
/// Those of LVM, and what `fill` answers; nothing is left then, or else the error is `Indeterminate`.
pub async fn make<F, W>(lvm: &Lvm, ctx: &OpCtx, new: &New, fill: F) -> Result<Lv, Error>
where
    F: FnOnce(Room) -> W,
    W: Future<Output = Result<(), Error>>,
{
    let (name, whole) = (LvName::new_volume(new.id), LvName::volume(new.id));
    let lv = begin(lvm, ctx, new, &name).await?;
    let filled = async {
        fill(Room::of(&lv)).await?;
        if new.home == Home::Thick { data::zero_slack(ctx, &lv).await } else { Ok(()) }
    };
    if let Err(error) = filled.await {
        return Err(undo(lvm, ctx, &name, error).await);
    }
    match finish(lvm, ctx, &name, &whole).await {
        Ok(lv) => Ok(lv),
        Err(error) => Err(undo(lvm, ctx, &name, error).await),
    }
}

async fn begin(lvm: &Lvm, ctx: &OpCtx, new: &New, name: &LvName) -> Result<Lv, Error> {
    let mut tags = vec![Tag::ours(), Tag::size(new.size)];
    tags.extend(new.tags.iter().cloned());
    let mut turn = lvm.turn(ctx).await?;
    // What an earlier try of this process could not take away.
    if turn.look_one(ctx, name).await?.is_some() {
        turn.remove(ctx, name).await?;
    }
    match &new.home {
        Home::Thick => turn.create_thick(ctx, name, new.size, &tags).await,
        Home::Thin(pool) => turn.create_thin(ctx, pool, name, new.size, &tags).await,
    }
}

async fn finish(lvm: &Lvm, ctx: &OpCtx, name: &LvName, whole: &LvName) -> Result<Lv, Error> {
    lvm.turn(ctx).await?.rename(ctx, name, whole).await
}

/// Takes away what `error` left half made. The error stays, or becomes one that says that something was left.
pub(crate) async fn undo(lvm: &Lvm, ctx: &OpCtx, name: &LvName, error: Error) -> Error {
    if ctx.check() == Err(Stopped::Lapsed) {
        // The volume group may be another host's by now, who sweeps it.
        return error;
    }
    match take_away(lvm, ctx, name).await {
        Ok(()) => error,
        Err(left) => {
            let reason = ashlar_common::chain::chain(&left);
            tracing::warn!(%name, %reason, "what was half made is left for the next start");
            error.midway(format!("making {name}"))
        }
    }
}

/// Removes what only a call of this process had a use for, also when the call's own time is over.
pub(super) async fn take_away(lvm: &Lvm, ctx: &OpCtx, name: &LvName) -> Result<(), Error> {
    let after = OpCtx::new(ctx.op(), AFTERMATH, CancellationToken::new());
    let gone = async || lvm.turn(&after).await?.remove(&after, name).await;
    match gone().await {
        // Nobody will ask for this again before the next start: a tool that broke once is given a second try.
        Err(error) if matches!(error.kind(), Kind::Indeterminate | Kind::Fatal) => gone().await,
        came => came,
    }
}
