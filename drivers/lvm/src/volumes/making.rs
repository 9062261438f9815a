//! Volumes that take several steps to make: they bear another name until they are whole.

use std::time::Duration;

use ashlar_common::{
    driver::{OpCtx, Outcome},
    ids::VolumeId,
    units::ByteCount,
};
use tokio_util::sync::CancellationToken;

use crate::{
    backend::{Backend, Kind, volume_tags},
    error::Error,
    lvm::Lv,
    names::LvName,
    volumes::find::present,
};

/// How long undoing may take after a call's time is over.
const UNDO: Duration = Duration::from_secs(5);

/// What a call that makes a volume finds.
#[derive(Debug)]
pub enum Begun {
    /// It is there already, as it was asked for.
    There(Lv),
    /// This is to become it. In a thick group it may read anything, else zeroes.
    New(Lv),
}

impl Backend {
    /// Begins a volume of several steps, under its name for that; what an earlier try left under it is removed. The
    /// caller holds the volume's lock, and calls [`Backend::settle`] whatever comes.
    ///
    /// # Errors
    /// [`Error::Differs`] where the volume is there with another size, [`Error::NoRoom`], [`Error::PoolFull`].
    pub async fn begin(&self, ctx: &OpCtx, volume: VolumeId, size: ByteCount) -> Result<Begun, Error> {
        self.check_size(size)?;
        let (whole, name) = (LvName::volume(volume), LvName::new_volume(volume));
        let mut turn = self.lvm.turn(ctx).await?;
        let found = turn.look(ctx, &[&whole, &name]).await?;
        if let Some(lv) = found.iter().find(|lv| lv.name == whole) {
            return there(lv, size).map(Begun::There);
        }
        if let Some(lv) = present(&found, volume) {
            return there(lv, size).map(Begun::There);
        }
        self.check_fill(ctx).await?;
        if found.iter().any(|lv| lv.name == name) {
            turn.remove(ctx, &name).await?;
        }
        let tags = volume_tags(size);
        Ok(Begun::New(match &self.kind {
            Kind::Thin(pool) => turn.create_thin(ctx, pool, &name, size, &tags).await?.into_inner(),
            Kind::Thick => turn.create_thick(ctx, &name, size, &tags).await?,
        }))
    }

    /// Ends what [`Backend::begin`] began: gives the volume its name where the steps went well, else removes it, also
    /// where the call's time is over.
    ///
    /// # Errors
    /// What went wrong, as an outcome that is unknown where it could not be undone.
    pub async fn settle(&self, ctx: &OpCtx, volume: VolumeId, steps: Result<(), Error>) -> Result<Outcome<Lv>, Error> {
        let (name, whole) = (LvName::new_volume(volume), LvName::volume(volume));
        let doing = || format!("volume {volume}");
        let named = match steps {
            Ok(()) => match self.lvm.turn(ctx).await {
                Ok(mut turn) => turn.rename(ctx, &name, &whole).await,
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        let error = match named {
            Ok(lv) => return Ok(Outcome::Changed(lv)),
            // Whether it has its name now is not known: it is whole either way.
            Err(error @ Error::Unknown { .. }) => return Err(error),
            Err(error) => error,
        };
        match self.undo(ctx, &name).await {
            Ok(()) => Err(error),
            Err(left) => {
                tracing::warn!(volume = %name, error = %left, "what was begun is left until it is asked for again");
                Err(error.midway(doing()))
            }
        }
    }

    /// Removes what was begun, in a time of its own.
    async fn undo(&self, ctx: &OpCtx, name: &LvName) -> Result<(), Error> {
        let ctx = OpCtx::new(ctx.op(), UNDO, CancellationToken::new());
        self.lvm.turn(&ctx).await?.remove(&ctx, name).await
    }
}

/// The volume that is there already, if it is what was asked for.
pub(crate) fn there(lv: &Lv, size: ByteCount) -> Result<Lv, Error> {
    if lv.is_ours() && lv.size == size {
        return Ok(lv.clone());
    }
    let has = if lv.is_ours() { lv.size.bytes().to_string() + " bytes" } else { "no tag of Ashlar's".to_owned() };
    Err(Error::Differs { name: lv.name.to_string(), has, asked: format!("{} bytes", size.bytes()) })
}
