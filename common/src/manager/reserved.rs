//! The room that an operation reserved for a volume, once it has ended.

use crate::{
    store::{
        Tx,
        error::Result,
        records::{Moment, VolumeRecord, Work},
    },
    units::ByteCount,
};

/// What an operation takes on the pool of its volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// Nothing.
    Nothing,
    /// The room of the volume.
    All,
    /// What it adds to the volume.
    Added,
}

impl Takes {
    pub(super) const fn of(work: &Work) -> Self {
        match work {
            Work::CreateVolume { .. }
            | Work::CreateFromSnapshot { .. }
            | Work::CloneVolume { .. }
            | Work::ImageIn { .. } => Self::All,
            Work::ExtendVolume { .. } => Self::Added,
            Work::ImageOut { .. }
            | Work::DeleteVolume { .. }
            | Work::RevertVolume { .. }
            | Work::CreateSnapshot { .. }
            | Work::DeleteSnapshot { .. }
            | Work::Attach { .. }
            | Work::Detach { .. } => Self::Nothing,
        }
    }
}

/// A volume was made or grown, or may have been. Where its state was reset meanwhile, reports may have come since that do
/// not show all of its room.
pub(super) async fn taken(tx: &mut Tx, volume: &mut VolumeRecord) -> Result<()> {
    if volume.promised_moment == Moment::Open {
        return Ok(());
    }
    let (provisioned, promised) = (volume.provisioned, volume.promised);
    tx.reserve(volume, provisioned, promised).await
}

/// A volume was not made. Its record counts on the pool until it is deleted; of the pool's free bytes it took none.
pub(super) async fn never_taken(tx: &mut Tx, volume: &mut VolumeRecord) -> Result<()> {
    let provisioned = volume.provisioned;
    tx.reserve(volume, provisioned, ByteCount::ZERO).await
}

/// A volume did not grow.
pub(super) async fn give_back_growth(tx: &mut Tx, volume: &mut VolumeRecord) -> Result<()> {
    let added = volume.provisioned.saturating_sub(volume.size);
    let (provisioned, promised) = (volume.size, volume.promised.saturating_sub(added));
    tx.reserve(volume, provisioned, promised).await
}
