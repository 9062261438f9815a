//! What an operation needs whose end nobody saw: its host died, or a call ended with its outcome unknown.
//!
//! The backend is asked first. Where it shows the effect, the operation is finished from that; else the call is made
//! again, which the contract allows at any time.
//!
//! | operation | finished when the backend shows | else |
//! |---|---|---|
//! | create, from snapshot, clone, image in | the volume, in its size (the contract: whole or not there) | again |
//! | delete volume | neither the volume nor the snapshots that go with it | again |
//! | extend | the volume, in the new size or larger | again |
//! | create snapshot | the snapshot | again |
//! | delete snapshot | no snapshot | again |
//! | revert, image out | nothing tells | again |
//! | attach | only the call itself gives the connection | again |
//! | detach | only the call itself proves that no export is left | again |

use super::perform::Effect;
use crate::{
    driver::{Driver, OpCtx, Result},
    store::records::Work,
};

/// Whether the backend can show whether the operation took effect: the rows of the table that are not "again" only.
pub(super) fn can_tell(work: &Work) -> bool {
    !matches!(work, Work::RevertVolume { .. } | Work::ImageOut { .. } | Work::Attach { .. } | Work::Detach { .. })
}

/// The effect, if the backend shows it already.
pub(super) async fn settled(driver: &dyn Driver, ctx: &OpCtx, work: &Work) -> Result<Option<Effect>> {
    let done = match work {
        Work::CreateVolume { spec }
        | Work::CreateFromSnapshot { spec, .. }
        | Work::CloneVolume { spec, .. }
        | Work::ImageIn { spec, .. } => {
            driver.inspect(ctx, &spec.volume).await?.is_some_and(|volume| volume.size == spec.size)
        }
        Work::DeleteVolume { volume, snapshots } => {
            let mut gone = driver.inspect(ctx, volume).await?.is_none();
            for snapshot in snapshots {
                gone = gone && driver.inspect_snapshot(ctx, snapshot).await?.is_none();
            }
            gone
        }
        Work::ExtendVolume { volume, to, .. } => {
            driver.inspect(ctx, volume).await?.is_some_and(|volume| volume.size >= *to)
        }
        Work::CreateSnapshot { snapshot } => driver.inspect_snapshot(ctx, snapshot).await?.is_some(),
        Work::DeleteSnapshot { snapshot } => driver.inspect_snapshot(ctx, snapshot).await?.is_none(),
        Work::RevertVolume { .. } | Work::ImageOut { .. } | Work::Attach { .. } | Work::Detach { .. } => false,
    };
    Ok(done.then_some(Effect::Done))
}
